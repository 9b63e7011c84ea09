"use client";
import { useSearchParams } from "next/navigation";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { OrderDetails } from "./order-details";
import { OrderList } from "./order-list";

export function OrdersPage() {
  const id = useSearchParams().get("id");
  return (
    <>
      {id ? null : <h1 className="mb-8 font-display text-title tracking-tight">Orders</h1>}
      <RequireSignIn why="Your orders and receipts are kept in your account.">
        {id ? <OrderDetails id={id} /> : <OrderList />}
      </RequireSignIn>
    </>
  );
}
