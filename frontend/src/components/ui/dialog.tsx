"use client";
import { X } from "lucide-react";
import { type MouseEvent, type ReactNode, type SyntheticEvent, useId, useLayoutEffect, useRef } from "react";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
};

/** A modal dialog: a bottom sheet on a phone, centred on a larger screen. */
export function Dialog({ open, ...rest }: Props) {
  return open ? <OpenDialog {...rest} /> : null;
}

/** The browser's own dialog, which keeps the focus inside and gives it back, and leaves the rest of the page inert. */
function OpenDialog({ onOpenChange, title, description, children }: Omit<Props, "open">) {
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const close = () => onOpenChange(false);
  const closeByEscape = (event: SyntheticEvent) => {
    event.preventDefault();
    close();
  };
  // A second Escape closes it without asking.
  const noticeClosed = ({ currentTarget }: SyntheticEvent<HTMLDialogElement>) => {
    if (!currentTarget.open) close();
  };
  const closeByBackdrop = ({ target, currentTarget }: MouseEvent) => {
    if (target === currentTarget) close();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it by keyboard.
    <dialog
      ref={ref}
      aria-labelledby={`${id}-title`}
      aria-describedby={description ? `${id}-description` : undefined}
      onCancel={closeByEscape}
      onClose={noticeClosed}
      onClick={closeByBackdrop}
      className="fixed inset-x-0 top-auto bottom-0 m-0 max-h-[92dvh] w-full max-w-none animate-rise overflow-y-auto rounded-t-3xl bg-card text-ink shadow-lift backdrop:bg-ink/45 backdrop:backdrop-blur-[2px] sm:inset-0 sm:m-auto sm:h-fit sm:w-[min(34rem,92vw)] sm:rounded-3xl"
    >
      <div className="p-5 sm:p-7">
        <div className="flex items-start justify-between gap-4">
          <h2 id={`${id}-title`} className="font-display text-2xl leading-tight">
            {title}
          </h2>
          <button
            type="button"
            aria-label="Close"
            onClick={close}
            className="-mt-1 -mr-1 grid size-11 shrink-0 place-items-center rounded-full hover:bg-sand"
          >
            <X aria-hidden="true" className="size-5" />
          </button>
        </div>
        {description ? (
          <div id={`${id}-description`} className="mt-2 text-soft">
            {description}
          </div>
        ) : null}
        <div className="mt-5">{children}</div>
      </div>
    </dialog>
  );
}

/** The buttons of a dialog: they stay in sight while its content is scrolled. */
export function DialogActions({ children }: { children: ReactNode }) {
  return (
    <div className="sticky bottom-0 -mx-5 -mb-5 flex flex-col-reverse gap-3 bg-card px-5 pt-3 pb-5 sm:-mx-7 sm:-mb-7 sm:flex-row sm:justify-end sm:px-7 sm:pb-7">
      {children}
    </div>
  );
}
