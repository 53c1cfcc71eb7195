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

  it('are those of the headers of traces too', async () => {
    const telemetry = 'telemetry: { traces: { endpoint: "https://otel.example/v1/traces", headers: { authorization: "env:O" } } }'
    expect(await namesIn(`${telemetry}\n`)).toEqual(['file', 'O'])
  })

  it('are those by which people are told too, so that all that is missing is named at once', async () => {
    const people = 'people: [{ id: olga, roles: [owner], webhook: "https://olga.example/", webhookSecret: "env:P" }]'
    const slack = 'slack: { webhook: "env:S", signingSecret: "env:SS" }'
    const approvals = `approvals: { webhooks: [{ url: "https://ops.example/", secret: "env:H" }], ${slack}, email: { url: "https://m.example/", secret: "env:E" } }`
    expect((await namesIn(`${people}\n${approvals}\n`)).sort()).toEqual(['E', 'H', 'P', 'S', 'SS', 'file'])
  })

  it('are the wallet’s file alone where nothing is configured', async () => {
    expect(await namesIn('mode: enforce\n')).toEqual(['file'])
  })
})
