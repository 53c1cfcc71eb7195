import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { startSecrets } from '../../src/config/start-secrets.ts'
import { temporaryFolder } from './folder.ts'

async function namesIn(yaml: string): Promise<string[]> {
  await using folder = await temporaryFolder()
  const config = await loadConfig({ file: await folder.write('purser.yaml', yaml), env: {} })
  return startSecrets(config).map((ref) => (ref.kind === 'env' ? ref.name : ref.kind))
}

describe('the secrets that a start reads', () => {
  it('are those of the keys, the wallets and the ledger, wherever they stand', async () => {
    const keys = 'keys: { nonce: "env:N", receipt: "env:R", answer: "env:A", token: "env:T", ca: { cert: ca.pem, key: "env:C" } }'
    const wallets =
      'wallet: { key: "env:W", password: "env:WP" }\ngasWallet: { key: "env:G" }\nnetworks: [{ id: base-sepolia, rpc: "http://127.0.0.1:1" }]'
    const ledger = 'ledger: { url: "postgres://u@h/d", password: "env:L" }'
    expect((await namesIn(`${keys}\n${wallets}\n${ledger}\n`)).sort()).toEqual(['A', 'C', 'G', 'L', 'N', 'R', 'T', 'W', 'WP'])
  })

  it('are the wallet’s file alone where nothing is configured', async () => {
    expect(await namesIn('mode: enforce\n')).toEqual(['file'])
  })
})
