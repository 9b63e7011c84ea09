import { AlertCircle, CheckCircle2, Info } from "lucide-react";
import type { ReactNode } from "react";
import { errorText, isNotFound, isOutcomeUnknown, isRefusal, ReadableError } from "@/api/problem";
import { cn } from "@/lib/cn";
import { Button } from "./button";
import { GetHelp } from "./get-help";

const KINDS = {
  bad: { look: "border-clay/40 bg-clay-mist text-clay", Icon: AlertCircle, role: "alert" },
  good: { look: "border-moss/30 bg-moss-mist text-moss", Icon: CheckCircle2, role: "status" },
  info: { look: "border-tide/25 bg-mist text-tide-deep", Icon: Info, role: "status" },
} as const;

type Props = { kind?: keyof typeof KINDS; title?: string; className?: string; children?: ReactNode };

/** A message about what just happened; screen readers announce it at once. */
export function Notice({ kind = "info", title, className, children }: Props) {
  const { look, Icon, role } = KINDS[kind];
  return (
    <div role={role} className={cn("flex gap-3 rounded-2xl border px-4 py-3", look, className)}>
      <Icon aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0">
        {title ? <p className="font-semibold">{title}</p> : null}
        {children}
      </div>
    </div>
  );
}

type ErrorNoticeProps = { error: unknown; className?: string; changes?: boolean };

/**
 * Shows why an action failed, its reference and a way to get help; renders nothing without an error.
 *
 * With `changes`, the action may have been carried out although its response was lost: the notice says so.
 */
export function ErrorNotice({ error, className, changes = false }: ErrorNoticeProps) {
  if (!error) return null;
  return (
    <Notice kind="bad" className={className}>
      <p>{errorText(error)}</p>
      {changes && isOutcomeUnknown(error) ? (
        <p>It may have been done all the same: look how it stands before you try again.</p>
      ) : null}
      {error instanceof ReadableError && error.reference ? <GetHelp error={error} /> : null}
    </Notice>
  );
}

type LoadErrorProps = { query: { error: unknown; isFetching: boolean; refetch: () => unknown } };

/**
 * Shown in place of content that could not be loaded: the reason, a button to retry, and a way to get help.
 *
 * A refusal is shown as one, without a button: it would be refused again.
 */
export function LoadError({ query: { error, isFetching, refetch } }: LoadErrorProps) {
  if (isRefusal(error) && !isNotFound(error)) return <ErrorNotice error={error} />;
  return (
    <Notice kind="bad" title="This could not be loaded">
      <p>{errorText(error)}</p>
      {isNotFound(error) ? null : (
        <Button look="quiet" size="small" className="mt-3" busy={isFetching} onClick={() => refetch()}>
          Try again
        </Button>
      )}
      <GetHelp error={error} />
    </Notice>
  );
}
