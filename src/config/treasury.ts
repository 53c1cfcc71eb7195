/** The treasury of funded sessions: a key of its own, on one network, in one token. */

import { z } from 'zod'
import { address, name, network, section } from '../session/values.ts'
import { secret } from './places.ts'
import type { SecretRef } from './secrets.ts'

/** A key, opened by the password where it is a keystore. */
interface KeyConfig {
  readonly key: SecretRef
  readonly password?: SecretRef
}

export interface TreasuryConfig extends KeyConfig {
  /** CAIP-2. */
  readonly network: string
  /** Symbol or address. */
  readonly token: string
  /** Pays the gas; the treasury itself where it is absent. */
  readonly relayer?: KeyConfig
}

export function treasurySchema(folder: string) {
  const key = { key: secret(folder), password: secret(folder).exactOptional() }
  return section({ ...key, network, token: z.union([address, name]), relayer: section(key).exactOptional() })
}

/** Why this treasury cannot move anything on the networks that are listed; undefined where it can. */
export function treasuryIssue(
  { network: id }: Pick<TreasuryConfig, 'network'>,
  networks: readonly { readonly id: string; readonly rpc?: string }[],
): string | undefined {
  const found = networks.find((one) => one.id === id)
  if (!id.startsWith('eip155:')) return 'sessions are funded on EVM networks only'
  if (!found) return `${id} is not among networks`
  return found.rpc === undefined ? `${id} needs an rpc` : undefined
}
