/** Where in the console one is: the part of the address behind `#`. Links carry it, nothing is asked of the server. */

export interface Place {
  /** "/payments/pay_1"; "/" where nothing is said. */
  readonly path: string
  readonly query: URLSearchParams
}

export type Query = Readonly<Record<string, string | undefined>>

/** @param hash as in `location.hash`, with or without `#` */
export function placeOf(hash: string): Place {
  const [path = '', query = ''] = splitAt(hash.replace(/^#/, ''))
  return { path: path.startsWith('/') ? path : '/', query: new URLSearchParams(query) }
}

function splitAt(text: string): [string, string] {
  const at = text.indexOf('?')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** A link to a place in the console; members that are undefined or empty are left out. */
export function href(path: string, query: Query = {}): string {
  const text = queryText(query)
  return text === '' ? `#${path}` : `#${path}?${text}`
}

export function queryText(query: Query): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '')
  return new URLSearchParams(given).toString()
}

/** The id in "/payments/:id" for `under` "/payments"; undefined for other places. */
export function idUnder(path: string, under: string): string | undefined {
  const rest = path.startsWith(`${under}/`) ? path.slice(under.length + 1) : ''
  if (rest === '') return undefined
  try {
    return decodeURIComponent(rest)
  } catch {
    return undefined
  }
}
