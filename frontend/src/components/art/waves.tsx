/** The logo: three tide lines. */
export function Waves({ className }: { className?: string }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 112 40" className={className} fill="none" stroke="currentColor">
      <g strokeWidth="3" strokeLinecap="round">
        <path d="M4 12c13 0 13-8 26-8s13 8 26 8 13-8 26-8 13 8 26 8" />
        <path d="M4 24c13 0 13-8 26-8s13 8 26 8 13-8 26-8 13 8 26 8" opacity="0.65" />
        <path d="M4 36c13 0 13-8 26-8s13 8 26 8 13-8 26-8 13 8 26 8" opacity="0.35" />
      </g>
    </svg>
  );
}
