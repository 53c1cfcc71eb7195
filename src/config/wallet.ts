/** Where the wallet's key is: in this process, or in the signer process. */
import { z } from 'zod'
import { address, section, wanted } from '../session/values.ts'
import { filePath, secret } from './places.ts'
import type { SecretRef } from './secrets.ts'

export type WalletConfig =
  | {
      readonly kind: 'local'
      readonly key: SecretRef
      /** Opens the key where it is a keystore. */
      readonly password?: SecretRef
    }
  | {
      readonly kind: 'signer'
      /** Absolute path. */
      readonly socket: string
      readonly address: `0x${string}`
      readonly key?: undefined
      readonly password?: undefined
    }

export function walletSchema(folder: string) {
  const local = section({
    kind: z.literal('local').optional(),
    key: secret(folder).exactOptional(),
    password: secret(folder).exactOptional(),
  })
  const signer = section({ kind: z.literal('signer'), socket: filePath(folder), address })
  return z.discriminatedUnion('kind', [local, signer], { error: wanted('kind is local or signer') })
}

/** The local key is in `path` unless the configuration says otherwise. */
export function walletOf(wallet: z.output<ReturnType<typeof walletSchema>>, path: string): WalletConfig {
  return wallet.kind === 'signer' ? wallet : { ...wallet, kind: 'local', key: wallet.key ?? { kind: 'file', path } }
}
