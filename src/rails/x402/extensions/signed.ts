/** Statements that a server signed: EIP-712, whose signer is recovered, and JWS, whose signer is named by a DID. */
import { verify } from 'node:crypto'
import { hashTypedData, hexToBytes } from 'viem'
import { z } from 'zod'
import { MAX_SIGNED_CHARS } from '../../../extension-limits.ts'
import { ecdsa } from '../../../secp256k1.ts'
import type { Signed } from '../../rail.ts'
import { readStrictJson } from '../../strict-json.ts'
import { type Algorithm, keyOf } from './did.ts'

/** What is signed: its schema, and its EIP-712 form. The domains are the extension's own, of chain 1. */
export interface Kind<Payload> {
  readonly schema: z.ZodType<Payload>
  readonly domain: 'x402 offer' | 'x402 receipt'
  readonly type: string
  readonly members: readonly { readonly name: string; readonly type: 'string' | 'uint256' }[]
}

const HASH = { EdDSA: null, ES256: 'sha256', ES256K: 'sha256' } as const
const signedSchema = z.discriminatedUnion('format', [
  z.object({
    format: z.literal('eip712'),
    payload: z.unknown(),
    signature: z.templateLiteral(['0x', z.string().regex(/^[0-9a-fA-F]{130}$/)]),
  }),
  z.object({ format: z.literal('jws'), signature: z.string().max(MAX_SIGNED_CHARS) }),
])
const headSchema = z.object({ alg: z.string(), kid: z.string(), crit: z.undefined().optional(), b64: z.undefined().optional() })

/** Undefined where it is no such statement at all. Never throws. */
export function readSigned<Payload extends object>(
  value: unknown,
  kind: Kind<Payload>,
): (Signed & { readonly payload: Payload }) | undefined {
  const signed = signedSchema.safeParse(value).data
  if (!signed) return undefined
  const read = signed.format === 'jws' ? readJws(signed.signature, kind) : readTyped(signed, kind)
  return read && read.text.length <= MAX_SIGNED_CHARS * 2 ? read : undefined
}

function readTyped<Payload extends object>(
  { payload: value, signature }: { readonly payload: unknown; readonly signature: `0x${string}` },
  kind: Kind<Payload>,
): (Signed & { readonly payload: Payload }) | undefined {
  const payload = kind.schema.safeParse(value).data
  if (!payload) return undefined
  const text = JSON.stringify({ format: 'eip712', payload, signature })
  const typed = {
    domain: { name: kind.domain, version: '1', chainId: 1 },
    types: { [kind.type]: [...kind.members] },
    primaryType: kind.type,
    message: messageOf(payload, kind),
  }
  const canonical: `0x${string}` = `0x${signature.slice(2).toLowerCase()}`
  const signer = ecdsa.recoverNow(hexToBytes(hashTypedData(typed)), canonical)
  // Without a curve that answers at once nothing is known of it.
  const verdict = signer ? 'verified' : ecdsa.name === 'javascript' ? 'unchecked' : 'broken'
  return { verdict, signer, text, payload }
}

/** The types know no absence: it is an empty text, or zero. */
function messageOf(payload: object, { members }: Pick<Kind<object>, 'members'>): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(payload))
  return Object.fromEntries(
    members.map(({ name, type }) => [name, type === 'uint256' ? BigInt(Number(values.get(name) ?? 0)) : (values.get(name) ?? '')]),
  )
}

function readJws<Payload extends object>(jws: string, kind: Kind<Payload>): (Signed & { readonly payload: Payload }) | undefined {
  const parts = jws.split('.')
  const [head = '', body = '', signature = ''] = parts
  if (parts.length !== 3) return undefined
  const { alg, kid } = partOf(head, headSchema) ?? {}
  const payload = partOf(body, kind.schema)
  if (alg === undefined || kid === undefined || !payload) return undefined
  const verdict = verdictOn(`${head}.${body}`, { signature, alg, kid })
  const signer = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400}/.exec(kid)?.[0]
  return { verdict: signer === undefined ? 'broken' : verdict, signer, text: JSON.stringify({ format: 'jws', signature: jws }), payload }
}

function partOf<T>(text: string, schema: z.ZodType<T>): T | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const json = readStrictJson(Buffer.from(text, 'base64url').toString('utf8'))
  return json.kind === 'read' ? schema.safeParse(json.value).data : undefined
}

/** The algorithm is the key's, never what the statement would like it to be. */
function verdictOn(input: string, by: { readonly signature: string; readonly alg: string; readonly kid: string }): Signed['verdict'] {
  const found = keyOf(by.kid)
  if (found.kind !== 'key') return found.kind === 'elsewhere' ? 'unchecked' : 'broken'
  if (found.algorithm !== by.alg || !/^[A-Za-z0-9_-]+$/.test(by.signature)) return 'broken'
  const hash: (typeof HASH)[Algorithm] = HASH[found.algorithm]
  try {
    const signature = Buffer.from(by.signature, 'base64url')
    return verify(hash, Buffer.from(input), { key: found.key, dsaEncoding: 'ieee-p1363' }, signature) ? 'verified' : 'broken'
  } catch {
    return 'broken'
  }
}
