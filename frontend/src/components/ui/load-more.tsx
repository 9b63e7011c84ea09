import { Button } from "./button";
import { ErrorNotice } from "./notice";

type Pages = {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  error: unknown;
  fetchNextPage: () => unknown;
};

/** The button under a list that has more pages; it says so when the next one could not be loaded. */
export function LoadMore({ pages }: { pages: Pages }) {
  if (!pages.hasNextPage) return null;
  return (
    <div className="mt-6 grid justify-items-center gap-3">
      {pages.isFetchNextPageError ? <ErrorNotice error={pages.error} /> : null}
      <Button look="quiet" busy={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
        Show more
      </Button>
    </div>
  );
}
