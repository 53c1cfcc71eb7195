/** What a challenge of version 2 says beyond its terms, read from its extensions once. */
import { z } from 'zod'
import { MAX_LOGIN_CHARS, MAX_LOGIN_RESOURCES } from '../../../extension-limits.ts'
import type { LoginRequest, Said } from '../../rail.ts'
import { readStrictJson } from '../../strict-json.ts'
import { IDENTIFIER, takesIdentifier } from './identifier.ts'
import { OFFER_RECEIPT, type Pinned, readSignedOffers } from './offer-receipt.ts'
import { SPONSORING, takesAllowance } from './sponsoring.ts'

export const SIGN_IN = 'sign-in-with-x'
const BAZAAR = 'bazaar'

const echoSchema = z.object({ extensions: z.record(z.string(), z.unknown()) })
const text = z.string().max(MAX_LOGIN_CHARS)
const loginSchema = z.object({
  info: z.object({
    ...{ domain: text, uri: text, version: z.literal('1'), issuedAt: text },
    nonce: z.string().regex(/^[A-Za-z0-9]{8,128}$/),
    expirationTime: text.optional(),
    resources: z.array(text).max(MAX_LOGIN_RESOURCES).default([]),
  }),
  supportedChains: z.array(z.object({ chainId: text, type: text })).max(64),
})
const bazaarSchema = z.object({ info: z.object({ input: z.object({ type: z.enum(['http', 'mcp']), method: z.string().optional() }) }) })

/** With each signed offer, whether its entry agrees. Undefined where the challenge says nothing of the kind. */
export type Beyond = Omit<Said, 'signedOffers'> & { readonly signedOffers: readonly Pinned[] }

/** `echo`: the server's own resource and extensions. Never throws. */
export function readSaid(echo: string, entries: readonly unknown[]): Beyond | undefined {
  if (!echo.includes('"extensions"')) return undefined
  const json = readStrictJson(echo)
  const extensions = json.kind === 'read' ? echoSchema.safeParse(json.value).data?.extensions : undefined
  if (!extensions) return undefined
  const said = {
    sponsoring: takesAllowance(extensions[SPONSORING]),
    identifiable: takesIdentifier(extensions[IDENTIFIER]),
    signedOffers: readSignedOffers(extensions[OFFER_RECEIPT], entries),
    login: loginOf(extensions[SIGN_IN]),
    described: descriptionOf(extensions[BAZAAR]),
  }
  return said.sponsoring || said.identifiable || said.signedOffers.length > 0 || said.login || said.described ? said : undefined
}

/** Only logins of EVM accounts: others cannot be signed here. */
function loginOf(extension: unknown): LoginRequest | undefined {
  const read = loginSchema.safeParse(extension).data
  if (!read) return undefined
  const { domain, uri, nonce, issuedAt, expirationTime, resources } = read.info
  const networks = read.supportedChains.filter(({ type }) => type === 'eip191').map(({ chainId }) => chainId)
  return { domain, uri, nonce, issuedAt, expirationTime, resources, networks }
}

/** Two words of closed sets; whatever else the server writes about itself is not taken up. */
function descriptionOf(extension: unknown): string | undefined {
  const input = bazaarSchema.safeParse(extension).data?.info.input
  if (!input) return undefined
  return input.method !== undefined && /^[A-Z]{3,7}$/.test(input.method) ? `${input.type} ${input.method}` : input.type
}
