import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type RunningPurser, spawnPurser, startPurser } from './running-purser.ts'

let testnet: Testnet
let purser: RunningPurser

beforeAll(async () => {
  testnet = await startTestnet()
  purser = await startPurser({
    proxy: { listen: '127.0.0.1:0', unsafeAllowPrivateUpstreams: ['127.0.0.0/8'] },
    networks: [{ id: testnet.network, rpc: testnet.rpcUrl }],
    recipients: { verified: [{ host: '127.0.0.1', payTo: testnet.merchant }] },
    categories: [{ host: '127.0.0.1', category: 'api_calls' }],
    tiers: [
      {
        name: 'autonomous',
        conditions: { maxAmount: 1, categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100, per: '1h' } },
        approval: 'none',
        audit: 'per_transaction',
      },
    ],
  })
  await testnet.fund(`0x${purser.app.walletAddress.slice(2)}`, 1_000_000n)
}, 60_000)
afterAll(async () => {
  await purser[Symbol.asyncDispose]()
  await testnet[Symbol.asyncDispose]()
})

const buy = 'Promise.all(process.argv.slice(1).map((url) => fetch(url))).then((all) => all.map((a) => console.log(a.status)))'

describe('payments, receipts and explanations of what exec bought', () => {
  it('the bill counts what was paid and refused; lists, receipts and reasons agree with it', async () => {
    const { url } = testnet.servers.expressV2
    const argv = [
      'exec',
      '--config',
      purser.configFile,
      '--cap',
      '0.05',
      '--',
      process.execPath,
      '-e',
      buy,
      `${url}/weather`,
      `${url}/expensive`,
    ]
    const { code, out, err } = await spawnPurser(argv, { env: purser.env })
    expect([code, out]).toEqual([0, '200\n403\n'])
    expect(err).toMatch(/Spent +\$0\.001 of \$0\.05/)
    expect(err).toMatch(/Payments +1 made, 1 refused/)
    const session = /Session (ses_\S+):/.exec(err)?.[1] ?? ''

    const listed = await purser.run('payments', 'list', '--session', session)
    expect(listed.out).toMatch(/settled +\$0\.001 +node +autonomous +GET \S+\/weather$/m)
    expect(listed.out).toMatch(/denied: \S+ +\$10\.00 .*GET \S+\/expensive$/m)
    const paid = /^(pay_\S+) +settled/m.exec(listed.out)?.[1] ?? ''
    expect((await purser.run('payments', 'show', paid)).out).toMatch(/^transaction +0x[0-9a-f]{64}$/m)

    const explained = await purser.run('policy', 'explain', paid)
    expect(explained).toMatchObject({ code: 0, out: expect.stringContaining('autonomous') })
    expect((await purser.run('receipts', 'list', '--session', session)).out).toMatch(/conclusion +settled +\$0\.001/)
    expect(await purser.run('receipts', 'verify')).toMatchObject({ code: 0, out: expect.stringContaining('every chain holds') })
  }, 60_000)

  it('an export verifies offline and holds what the ledger holds', async () => {
    const file = `${purser.folder}/receipts.jsonl`
    expect(await purser.run('receipts', 'export', '--out', file)).toMatchObject({ code: 0, out: expect.stringContaining(file) })
    const offline = await purser.json('receipts', 'verify', file)
    expect(offline).toEqual(await purser.json('receipts', 'verify'))
    expect((await purser.run('receipts', 'export', '--format', 'csv')).out.split('\n')[0]).toContain('payment_id')
  })

  it('filters that match nothing say so', async () => {
    expect(await purser.run('payments', 'list', '--agent', 'nobody')).toMatchObject({ code: 0, out: 'No payments.\n' })
    expect(await purser.run('receipts', 'list', '--agent', 'nobody')).toMatchObject({ code: 0, out: 'No receipts.\n' })
  })

  it('an unknown payment is a failure', async () => {
    expect(await purser.run('payments', 'show', 'pay_unknown')).toMatchObject({ code: 1, err: expect.stringContaining('pay_unknown') })
  })
})
