/** Who may knock at an admin door at all, and what every answer of it carries: what needs no app to be said. */
import { isIPv4 } from 'node:net'
import type { Refusal } from '../errors.ts'

/** Answers are not cached, not framed, not guessed at. */
export const SECURE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const

export interface Knock {
  /** What the Host header says. */
  readonly authority: string
  /** The address at which this very connection arrived: a page cannot have been loaded from it under another name. */
  readonly arrivedAt: string | undefined
  /** What a browser says of the page that asks. */
  readonly site: string | undefined
  readonly origin: string | undefined
}

/**
 * Why a request is not for this listener: a DNS name that was rebound to it, or a page of another site made a browser send it.
 * @param hosts Further names of the listener, without ports, in lower case.
 * @param linked Pages of other sites may lead here.
 */
export function barAtDoor({ authority, arrivedAt, site, origin }: Knock, hosts: ReadonlySet<string>, linked = false): Refusal | undefined {
  const name = hostName(authority)
  if (name === undefined || !(isLoopback(name) || hosts.has(name) || name === plainAddress(arrivedAt))) {
    return {
      code: 'host_mismatch',
      detail: 'The Host header does not name this listener. Ask by its address, or list the name in admin.hosts.',
    }
  }
  const isForeign = (site !== undefined && site !== 'same-origin' && site !== 'none') || (origin !== undefined && !isOwn(origin, authority))
  return isForeign && !linked ? { code: 'forbidden', detail: 'Pages of other sites may not ask this listener.' } : undefined
}

function isOwn(origin: string, authority: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === authority.toLowerCase()
}

/** Lower case, IPv6 without brackets, without the port; undefined for what is no plain host. */
function hostName(authority: string): string | undefined {
  if (!/^[a-z0-9.:[\]-]+$/i.test(authority) || !URL.canParse(`http://${authority}`)) return undefined
  return new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '')
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '')
}
