/** Schemas of places: where to listen, where to connect, where a file is. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { hostPattern, wanted } from '../session/values.ts'
import type { Listen } from './config.ts'
import { parseSecret, type SecretRef } from './secrets.ts'

const LISTEN_HINT = 'write host and port like 127.0.0.1:4020 or [::1]:4020'
const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/

export const listen = z
  .string({ error: wanted(LISTEN_HINT) })
  .transform((text, context): Listen => {
    const [, bracketed, plain, digits = ''] = LISTEN.exec(text) ?? []
    const host = bracketed ?? plain
    const port = Number.parseInt(digits, 10)
    const valid = host !== undefined && port <= 65_535 && (bracketed === undefined || isIP(bracketed) === 6)
    if (valid) return { host, port }
    context.addIssue(LISTEN_HINT)
    return z.NEVER
  })
  .meta({ description: 'Host and port, like 127.0.0.1:4020 or [::1]:4020; port 0 takes any free one.' })

/** Whether only this machine can reach what listens here. */
export function isLoopback({ host }: Listen): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** A path in its absolute form; `file:` before it is allowed, because secrets are written like that. */
export function filePath(folder: string) {
  return z
    .string({ error: wanted('write a path') })
    .min(1, { error: 'must not be empty' })
    .transform((path) => resolve(folder, path.replace(/^file:/, '')))
    .meta({ description: 'A path, relative to the folder of this file.' })
}

export function secret(folder: string) {
  const hint = 'write env:NAME, file:PATH or the secret itself'
  return z
    .string({ error: wanted(hint) })
    .transform((text, context): SecretRef => {
      const ref = parseSecret(text, folder)
      if (ref) return ref
      context.addIssue(hint)
      return z.NEVER
    })
    .meta({ description: 'env:NAME, file:PATH, or (with a warning) the secret itself.' })
}

export const cidr = z
  .string({ error: wanted('write a network like 10.0.0.0/8') })
  .refine((text) => ipaddr.isValidCIDR(text) && text.includes('/'), {
    error: 'not a network: write it like 10.0.0.0/8 or fd00::/8; one address is /32 or /128',
  })

export const port = z
  .int({ error: wanted('write a port') })
  .min(1, { error: 'a port is 1 to 65535' })
  .max(65_535, { error: 'a port is 1 to 65535' })

/** A name by which somebody may ask for us: a wildcard would undo the check of `Host`. */
export const hostName = hostPattern.refine((pattern) => !pattern.includes('*'), { error: 'write the name in full, without *' })

/** An absolute http or https URL without credentials or fragment. */
export const webUrl = z
  .string({ error: wanted('write a URL like https://api.example.com/') })
  .refine((text) => fault(text) === undefined, { error: (issue) => fault(String(issue.input)) ?? '' })

/** A URL that only TLS or this machine itself may carry. */
export const hookUrl = webUrl.refine((text) => !URL.canParse(text) || isPrivatelyReached(new URL(text)), {
  error: 'plain http is accepted on loopback only: write https://',
})

/** The upstream of a route, ending in a slash, so that what follows a prefix can be put behind it. */
export const upstreamUrl = webUrl
  .refine((text) => !URL.canParse(text) || new URL(text).search === '', { error: 'must not have a query' })
  .transform((text) => {
    const { href } = new URL(text)
    return href.endsWith('/') ? href : `${href}/`
  })

function fault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not a URL: write it like https://api.example.com/'
  const { protocol, username, password, hash } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return 'write a URL that begins with https:// or http://'
  if (username !== '' || password !== '') return 'must not have credentials in it'
  return hash === '' ? undefined : 'must not have a fragment'
}

function isPrivatelyReached({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback({ host: hostname.replace(/^\[|\]$/g, ''), port: 0 })
}
