/**
 * One spelling for each host. What the URL standard reads as an address (decimal, octal, hex, short, full-width …) becomes
 * that address; names become lower-case A-labels without the trailing dot. Everything else is no host.
 */
import { isIP } from 'node:net'

const MAX_NAME_CHARS = 253
const MAX_LABEL_CHARS = 63
/** Would change the URL around the host, or be dropped from it silently. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it keeps out
const STRUCTURE = /[\u0000-\u0020\u007f/?#@\\]/

/** The host as everything else compares it: IPv6 without brackets. Undefined where the text names no host. */
export function canonicalHost(text: string): string | undefined {
  if (STRUCTURE.test(text)) return undefined
  const bracketed = text.startsWith('[') && text.endsWith(']') && text.includes(':')
  const host = !bracketed && text.includes(':') ? `[${text}]` : text
  const url = URL.parse(`http://${host}/`)
  if (url === null || url.port !== '') return undefined
  return hostOfUrl(url)
}

/** The host of a parsed URL in that spelling. Undefined for a name that no resolver knows: a part of it is empty or too long. */
export function hostOfUrl({ hostname }: URL): string | undefined {
  if (hostname.startsWith('[')) return hostname.slice(1, -1)
  return isIP(hostname) === 0 ? canonicalName(hostname) : hostname
}

function canonicalName(name: string): string | undefined {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  const fits = bare.length <= MAX_NAME_CHARS && bare.split('.').every((label) => label !== '' && label.length <= MAX_LABEL_CHARS)
  return fits ? bare : undefined
}
