/** The proof that the owner of the account is there, and the change of the address that needs it. */
import { ReadableError } from "@/api/problem";
import { post, problemOf } from "@/api/session";

/** Posts with the session of the signed-in account; throws a Problem unless the answer is 200. */
async function change(path: string, body?: Record<string, string>): Promise<void> {
  const answer = await post(path, body);
  if (answer.status !== 200) throw problemOf(answer);
}

export const reauthenticateByPassword = (password: string) => change("/auth/reauthenticate", { password });

export const requestReauthenticationCode = () => change("/auth/code/reauthenticate/request");

export const reauthenticateByCode = (code: string) => change("/auth/code/reauthenticate", { code });

/** Has a link mailed to the new address; the address changes once that is opened. */
export const changeEmail = (email: string) => change("/account/email", { email });

/** Has the link mailed once more that confirms the account's address. */
export async function resendConfirmation(email: string): Promise<void> {
  const answer = await post("/account/email", { email }, { method: "PUT" });
  if (answer.status === 403)
    throw new ReadableError("A link was mailed a moment ago. Wait three minutes for another.");
  if (answer.status !== 200) throw problemOf(answer);
}
