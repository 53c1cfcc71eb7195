/**
 * Links: a token that lets one person say yes or no to one approval exactly as it was shown, once, for a while. It is
 * authenticated by a key of its own, and nothing about it is stored but a mark when it was used.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Approval } from './approval.ts'

export interface Link {
  readonly approvalId: string
  /** Who may use it: the id of a person, or a channel where the user is known by other means. */
  readonly person: string
  /** The approval's digest: for anything else the link is worth nothing. */
  readonly digest: string
  /** Whether silence pays changes what a click means. */
  readonly kind: Approval['kind']
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export type ReadLink = { readonly kind: 'valid'; readonly link: Link } | { readonly kind: 'invalid' } | { readonly kind: 'expired' }

export interface Links {
  /** The same token for the same link, however often a notice is sent. URL-safe. */
  mint(link: Link): string
  /** Never throws, whatever the text is. */
  read(token: string, now: number): ReadLink
  /** Proves that a form was made for this token and this browser. */
  formProof(token: string, browser: string): string
  isFormProof(proof: string, made: { readonly token: string; readonly browser: string }): boolean
}

const TOKEN = /^plt_([A-Za-z0-9_-]{1,800})\.([A-Za-z0-9_-]{43})$/
const Fields = z.tuple([z.string(), z.string(), z.string(), z.enum(['approval', 'veto']), z.int()])

/** @param tokenSecret at least 32 random bytes; replicas share it */
export function createLinks(tokenSecret: Uint8Array): Links {
  const key = createHmac('sha256', tokenSecret).update('approval links').digest()
  const mac = (use: string, text: string) => createHmac('sha256', key).update(`${use}:${text}`).digest('base64url')
  return {
    mint({ approvalId, person, digest, kind, expiresAt }) {
      const fields = Buffer.from(JSON.stringify([approvalId, person, digest, kind, expiresAt])).toString('base64url')
      return `plt_${fields}.${mac('link', fields)}`
    },
    read(token, now) {
      const [, fields = '', given = ''] = TOKEN.exec(token) ?? []
      if (fields === '' || !isSame(given, mac('link', fields))) return { kind: 'invalid' }
      const link = parseFields(fields)
      if (!link) return { kind: 'invalid' }
      return now < link.expiresAt ? { kind: 'valid', link } : { kind: 'expired' }
    },
    formProof: (token, browser) => mac('form', `${token}:${browser}`),
    isFormProof: (proof, { token, browser }) => isSame(proof, mac('form', `${token}:${browser}`)),
  }
}

/** What is stored of a token when it is used. */
export function usedMark(token: string): string {
  return `link:${createHash('sha256').update(token).digest('hex')}`
}

function parseFields(fields: string): Link | undefined {
  const parsed = Fields.safeParse(JSON.parse(Buffer.from(fields, 'base64url').toString('utf8')))
  if (!parsed.success) return undefined
  const [approvalId, person, digest, kind, expiresAt] = parsed.data
  return { approvalId, person, digest, kind, expiresAt }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Whether what the link was made for still stands as it was shown: `over` where it was decided, `changed` where it is another. */
export function fitOf(link: Pick<Link, 'digest' | 'kind'>, approval: Approval | undefined): 'fits' | 'gone' | 'over' | 'changed' {
  if (!approval) return 'gone'
  if (approval.digest !== link.digest) return 'changed'
  if (approval.state !== 'pending') return 'over'
  return approval.kind === link.kind ? 'fits' : 'changed'
}
