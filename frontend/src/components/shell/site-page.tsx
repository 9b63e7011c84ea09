"use client";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { useSitePage } from "@/lib/queries";

/** A page of text, which the shop's operator writes in Markdown. */
export function SitePage({ slug }: { slug: string }) {
  const page = useSitePage(slug);
  if (page.isPending) return <Loading rows={4} />;
  if (page.isError) return <LoadError query={page} />;
  return (
    <article className="max-w-2xl">
      <PageTitle>{page.data.title}</PageTitle>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: the server has made it of Markdown and escaped all markup. */}
      <div className="page-text" dangerouslySetInnerHTML={{ __html: page.data.html }} />
    </article>
  );
}
