/** How the few pages of this listener look: no scripts, nothing from other hosts, never framed, forms to this listener only. */
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { escapeHtml } from '../approval/text.ts'

export interface PageContent {
  readonly status: number
  readonly title: string
  /** Plain text. */
  readonly paragraphs?: readonly string[]
  /** HTML of ours. */
  readonly more?: string
}

const STYLE = [
  ':root{color-scheme:light dark}',
  'body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}',
  'h1{font-size:1.6em;line-height:1.25;overflow-wrap:anywhere}',
  'th,td{text-align:left;vertical-align:top;padding:.15em .3em}th{padding-right:1em}td{overflow-wrap:anywhere}',
  '.foreign{background:light-dark(#fff3cd,#4d3f00)}',
  'input,select,button{font:inherit;box-sizing:border-box;padding:.3em .6em}label{display:block;margin:.6em 0}label>*{display:block;width:100%}',
  'button{min-height:2.75em;padding:.3em 1.2em;margin:0 .6em .6em 0}',
  // On a phone each fact stands below its name, so that addresses and digests have the whole width.
  '@media(max-width:34em){body{margin:1em auto}th[scope=row],th[scope=row]+td{display:block}th[scope=row]{padding-top:.7em}}',
].join('')
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')
/** The Origin of a form's POST is only sent where its page lets referrers through to its own site. */
const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-type': 'text/html; charset=utf-8',
}

/** Titles and paragraphs are escaped here. */
export function htmlPage(context: Context, { status, title, paragraphs = [], more = '' }: PageContent): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Purser: ${escapeHtml(title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
${paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}
${more}
</html>
`
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value)
  return context.body(html, status as ContentfulStatusCode)
}
