/** Files of presigned transfers, made as the command makes them. */
import { writeFile } from 'node:fs/promises'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { type PresignRequest, presign } from '../../src/wallet/presigned-file.ts'

export const DOMAIN = {
  name: 'USDC',
  version: '2',
  chainId: 84532,
  verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
} as const
export const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
export const signer = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
export const FROM = await signer.address(null)
/** The test clock's first second. */
export const START_S = Date.parse('2026-06-27T12:00:00Z') / 1000

/** Good for an hour unless said otherwise. */
export function requestOf(changes: Partial<PresignRequest> = {}): PresignRequest {
  const window = { validAfter_s: START_S - 600, validBefore_s: START_S + 3_600 }
  return { domain: DOMAIN, to: PAY_TO, value: 1_000n, ...window, count: 3, ...changes }
}

export async function writePool(path: string, changes: Partial<PresignRequest> = {}): Promise<string> {
  await writeFile(path, await presign(signer, requestOf(changes)), { mode: 0o600 })
  return path
}
