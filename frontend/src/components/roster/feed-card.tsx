"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CalendarSync, Check, Copy } from "lucide-react";
import { useState } from "react";
import { type Feed, rosterFeedCreate, rosterFeedDestroy } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { feedQuery, useFeed } from "@/lib/queries";
import { formatTimestamp } from "@/lib/time";

/** The roster in one's own calendar, by a secret address that is shown once. */
export function FeedCard() {
  const feed = useFeed();
  return (
    <Card>
      <CardTitle className="flex items-center gap-2.5">
        <CalendarSync aria-hidden="true" className="size-6 text-tide" />
        Subscribe to your calendar
      </CardTitle>
      <p className="mt-2 max-w-prose text-soft">
        See your dates in the calendar that you use anyway: a month back and a year ahead, with your guests’
        names. It has neither notes nor payments.
      </p>
      <div className="mt-4">
        {feed.isPending ? (
          <Loading rows={1} />
        ) : feed.isError ? (
          <LoadError query={feed} />
        ) : (
          <FeedAddress feed={feed.data} />
        )}
      </div>
    </Card>
  );
}

function FeedAddress({ feed }: { feed: Feed }) {
  const [asks, setAsks] = useState<"renew" | "stop" | null>(null);
  const renew = useFeedAction(
    () => unwrap(rosterFeedCreate()),
    () => setAsks(null),
    "Your calendar has an address.",
  );
  const stop = useFeedAction(
    async () => {
      await unwrap(rosterFeedDestroy());
      return { active: false, created_at: null, url: null };
    },
    () => setAsks(null),
    "Your calendar has no address any more.",
  );
  if (!feed.active) {
    return (
      <>
        <ErrorNotice error={renew.error} className="mb-4" />
        <Button busy={renew.isPending} onClick={() => renew.mutate()}>
          Get an address
        </Button>
      </>
    );
  }
  return (
    <>
      {feed.url ? <FreshAddress url={feed.url} /> : <KnownAddress createdAt={feed.created_at} />}
      <div className="mt-4 flex flex-wrap gap-3">
        <Button look="quiet" onClick={() => setAsks("renew")}>
          New address
        </Button>
        <Button look="quiet" onClick={() => setAsks("stop")}>
          Stop
        </Button>
      </div>
      <ConfirmDialog
        open={asks === "renew"}
        onOpenChange={() => setAsks(null)}
        title="Make a new address?"
        confirm="Make a new one"
        keep="Keep this one"
        busy={renew.isPending}
        error={renew.error}
        onConfirm={() => renew.mutate()}
      >
        The address that you have now ends at once: put the new one into each calendar that has it.
      </ConfirmDialog>
      <ConfirmDialog
        open={asks === "stop"}
        onOpenChange={() => setAsks(null)}
        title="Stop the calendar?"
        confirm="Stop it"
        keep="Keep it"
        busy={stop.isPending}
        error={stop.error}
        onConfirm={() => stop.mutate()}
      >
        Nobody can read it any more, under no address. You can make a new one at any time.
      </ConfirmDialog>
    </>
  );
}

function KnownAddress({ createdAt }: { createdAt: string | null }) {
  return (
    <p>
      Your calendar has an address{createdAt ? ` since ${formatTimestamp(createdAt)}` : ""}. It was shown when
      it was made, and can’t be shown again.
    </p>
  );
}

function FreshAddress({ url }: { url: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(url);
    setIsCopied(true);
    announce("The address is copied.");
  };
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-3">
        <input
          aria-label="Address of your calendar"
          readOnly
          value={url}
          onFocus={(event) => event.target.select()}
          className="min-h-12 min-w-0 flex-1 basis-64 rounded-xl border border-edge bg-white px-4"
        />
        {navigator.clipboard ? (
          <Button className="min-h-12" onClick={copy}>
            {isCopied ? (
              <Check aria-hidden="true" className="size-5" />
            ) : (
              <Copy aria-hidden="true" className="size-5" />
            )}
            {isCopied ? "Copied" : "Copy"}
          </Button>
        ) : null}
      </div>
      <p className="max-w-prose text-base text-soft">
        Copy it now: it is shown this once. Add it to your calendar program as a calendar by URL, or{" "}
        <a href={url.replace(/^https?:/, "webcal:")} className="text-tide underline underline-offset-4">
          open it there
        </a>
        . Whoever has it can read your dates, so keep it to yourself.
      </p>
    </div>
  );
}

function useFeedAction(action: () => Promise<Feed>, onDone: () => void, done: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: action,
    onSuccess: (feed) => {
      client.setQueryData(feedQuery.queryKey, feed);
      onDone();
      announce(done);
    },
  });
}
