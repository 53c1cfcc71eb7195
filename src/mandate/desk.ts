/** The desk where mandates are presented: pinned issuers, nonces of ours, and who we are to both. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { createNonces, type NonceMint } from './nonces.ts'
import { createMandateReader, type MandateIssuer, type ReadMandate } from './sd-jwt.ts'

export interface MandateDesk {
  readonly read: ReadMandate
  readonly nonces: NonceMint
  readonly audience: string
}

export interface DeskOptions {
  readonly audience: string
  /** `keys`: the path of a JWK set. */
  readonly issuers: readonly (Omit<MandateIssuer, 'keys'> & { readonly keys: string })[]
  /** At least 32 random bytes, the same on all replicas. */
  readonly secret: Uint8Array
}

/** Public keys only: whoever pins a private one has it in the wrong place. */
const keySet = z.object({
  keys: z.array(z.looseObject({ kty: z.enum(['EC', 'OKP']) }).refine((key) => !('d' in key), { error: 'holds a private key' })).min(1),
})

/** @throws Error where a file cannot be read, or holds no set of public keys. */
export async function openMandateDesk({ audience, issuers, secret }: DeskOptions): Promise<MandateDesk> {
  const pinned = await Promise.all(issuers.map(async (one) => ({ ...one, keys: await readKeys(one.keys) })))
  const nonces = createNonces(secret)
  return { nonces, audience, read: createMandateReader({ issuers: pinned, audience, nonces }) }
}

async function readKeys(path: string): Promise<MandateIssuer['keys']> {
  const text = await readFile(path, 'utf8')
  try {
    return keySet.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${path} holds no JWK set of public EC or OKP keys`, { cause })
  }
}
