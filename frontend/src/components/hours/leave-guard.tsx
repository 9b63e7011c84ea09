"use client";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";

/** Asks before a link leads away from changes that are not saved. They are kept, so coming back shows them again. */
export function LeaveGuard() {
  const router = useRouter();
  const [target, setTarget] = useState<string>();
  useEffect(() => {
    const stop = (event: MouseEvent) => {
      const path = pathOf(event);
      if (!path) return;
      event.preventDefault();
      event.stopPropagation();
      setTarget(path);
    };
    document.addEventListener("click", stop, { capture: true });
    return () => document.removeEventListener("click", stop, { capture: true });
  }, []);
  return (
    <Dialog
      open={target !== undefined}
      onOpenChange={() => setTarget(undefined)}
      title="Your hours are not saved"
      description="Buyers still see the hours from before. Your changes are kept here until you close this window."
    >
      <DialogActions>
        <Button look="quiet" onClick={() => target && router.push(target)}>
          Leave without saving
        </Button>
        <Button onClick={() => setTarget(undefined)}>Stay here</Button>
      </DialogActions>
    </Dialog>
  );
}

/** Returns where a click on a link leads within this site; undefined for all other clicks. */
function pathOf(event: MouseEvent): string | undefined {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  const opensAnother = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
  if (!(link instanceof HTMLAnchorElement) || opensAnother || link.target === "_blank") return undefined;
  const url = new URL(link.href);
  const isElsewhere = url.origin !== window.location.origin || url.pathname === window.location.pathname;
  return isElsewhere ? undefined : url.pathname + url.search;
}
