import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

/** Says that the page has crashed, and links to the orders; never shows the exception's message. */
export function PageError({ retry }: { retry: () => void }) {
  return (
    <>
      <h1 className="sr-only">Something went wrong</h1>
      <Notice kind="bad" title="This page has stopped working">
        <p>
          The fault is ours. Were you about to pay or to cancel, look at your orders first: they show how it
          stands. A newer browser may help, too.
        </p>
        <div className="mt-3 flex flex-wrap items-center gap-x-5 gap-y-2">
          <Button look="quiet" size="small" onClick={retry}>
            Load this page again
          </Button>
          {/* A full page load: client-side navigation may have failed too. */}
          <a href="/orders/" className="font-semibold underline underline-offset-4">
            See your orders
          </a>
          <a href="/contact/" className="font-semibold underline underline-offset-4">
            Write to us
          </a>
        </div>
      </Notice>
    </>
  );
}
