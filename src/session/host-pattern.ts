/** Patterns of hosts and paths, as operators and sessions write them. */
import { domainToASCII } from 'node:url'

const ESCAPED = /%([0-9a-fA-F]{2})/g
/** Everything else, such as a slash, would make the domain parser stop in the middle and take the first part. */
const NAME_CHARACTERS = /^[A-Za-z0-9._\-\u{80}-\u{10ffff}]+$/u
const UNRESERVED = /[A-Za-z0-9\-._~]/

/**
 * Whether a pattern names a host. `*` matches every host, `*.example.com` every name below example.com but not itself,
 * everything else itself only. A pattern with a port matches that port only; without one it matches all.
 * @param host name or address; brackets, letter case and a trailing dot make no difference
 */
export function matchesHost(pattern: string, host: string, port?: number): boolean {
  const wanted = splitPort(pattern)
  if (wanted.port !== undefined && wanted.port !== port) return false
  const name = bareHost(wanted.host)
  if (name === '*') return true
  const asked = bareHost(host)
  if (name.startsWith('*.')) return asked.length > name.length - 1 && asked.endsWith(name.slice(1))
  return asked === name
}

/** Whether every host that `inner` names is one that `outer` names. Both in their one spelling. */
export function coversHost(outer: string, inner: string): boolean {
  const [wide, narrow] = [splitPort(outer), splitPort(inner)]
  return (wide.port === undefined || wide.port === narrow.port) && coversName(bareHost(wide.host), bareHost(narrow.host))
}

/** Whether some host is named by both. Both in their one spelling. */
export function overlapsHost(one: string, other: string): boolean {
  const [left, right] = [splitPort(one), splitPort(other)]
  const [a, b] = [bareHost(left.host), bareHost(right.host)]
  const ports = left.port === undefined || right.port === undefined || left.port === right.port
  return ports && (coversName(a, b) || coversName(b, a))
}

function coversName(outer: string, inner: string): boolean {
  if (outer === '*') return true
  if (!outer.startsWith('*.')) return outer === inner
  return inner === outer || (inner.length > outer.length - 1 && inner.endsWith(outer.slice(1)))
}

/**
 * Whether a glob names a path. `*` stands for any run of characters, `/` included; everything else is literal. A query
 * is ignored; escapes of plain characters (`%61` for `a`) and doubled slashes make no difference, because many servers
 * see none either, and an agent must not choose its category by them.
 */
export function matchesPath(glob: string, path: string): boolean {
  const asked = plainPath(path)
    .replace(/[?#].*$/s, '')
    .replace(/\/{2,}/g, '/')
  return matchesGlob(plainPath(glob), asked)
}

/** `*` stands for any run of characters, everything else for itself. Each part is looked for once, however long the text is. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = '', ...rest] = glob.split('*')
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let from = first.length
  for (const part of rest) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return text.length - last.length >= from && text.endsWith(last)
}

/** Without any of these no segment begins with a dot, however it is decoded. */
const DOTS_OR_ESCAPES = /^\.|\/\.|\\|%2e|%2f|%5c/i

/**
 * Whether a path, whose plain dots are resolved already, hides further ones behind escapes: some servers decode `%2f`
 * and `%5c`, or read `..;` as `..`, and then serve another path than the one that is written.
 */
export function climbs(path: string): boolean {
  if (!DOTS_OR_ESCAPES.test(path)) return false
  const plain = path.replace(/%2f|%5c|\\/gi, '/').replace(/%2e/gi, '.')
  return plain.split('/').some((segment) => /^\.\.?(;|$)/.test(segment))
}

/**
 * The pattern in its one spelling (lower case, A-labels, bracketed IPv6), or undefined where it is no host pattern.
 * Two patterns that match alike are then the same text.
 */
export function canonicalHostPattern(text: string): string | undefined {
  const { host, port } = splitPort(text.trim())
  if (port !== undefined && !(port >= 1 && port <= 65_535)) return undefined
  const suffix = port === undefined ? '' : `:${port}`
  if (host === '*') return `*${suffix}`
  const below = host.startsWith('*.')
  const name = canonicalName(below ? host.slice(2) : host)
  return name && `${below ? '*.' : ''}${name}${suffix}`
}

function canonicalName(name: string): string | undefined {
  if (name.includes(':')) return canonicalIpv6(bareHost(name))
  if (!NAME_CHARACTERS.test(name)) return undefined
  const ascii = bareHost(domainToASCII(name))
  return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(ascii) && !ascii.includes('..') ? ascii : undefined
}

function canonicalIpv6(address: string): string | undefined {
  const url = `http://[${address}]/`
  return /^[0-9a-f:.]+$/.test(address) && URL.canParse(url) ? new URL(url).hostname : undefined
}

/** Only `name:port` and `[address]:port` have a port; the colons of a bare IPv6 address are its own. */
function splitPort(text: string): { host: string; port?: number } {
  const [, host, digits] = /^(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(text) ?? []
  return host === undefined || digits === undefined ? { host: text } : { host, port: Number.parseInt(digits, 10) }
}

function bareHost(host: string): string {
  const open = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return (open.endsWith('.') ? open.slice(0, -1) : open).toLowerCase()
}

function plainPath(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(ESCAPED, (escaped, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return UNRESERVED.test(character) ? character : escaped.toUpperCase()
  })
}
