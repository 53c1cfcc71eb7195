import { delimiter, dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { writeBundle } from '../../src/cli/ca-bundle.ts'
import { proxyVariables } from '../../src/cli/child-environment.ts'
import { judgeClock, judgeWallet, parentFindings } from '../../src/cli/doctor.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startAdminApi } from './running-admin.ts'
import { type RunningPurser, runHere, startPurser } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

const Report = z.object({ ok: z.boolean(), findings: z.array(z.object({ what: z.string(), result: z.string(), text: z.string() })) })

async function doctor(config: string, env: Record<string, string>) {
  const tools = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`, HOME: process.env.HOME ?? '' }
  const { code, out } = await runHere(['doctor', '--config', config, '--json'], { ...tools, ...purser.env, ...env })
  const { findings } = Report.parse(JSON.parse(out))
  return { code, of: (what: string) => findings.find((finding) => finding.what === what), findings }
}

async function shell(): Promise<Record<string, string>> {
  const session = await purser.json('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '1', '--ttl', '1h')
  const bundleFile = await writeBundle({ caFile: purser.app.caFile, dataDir: purser.folder })
  return proxyVariables({ proxyUrl: String(session.proxyUrl), caFile: purser.app.caFile, bundleFile, direct: '' })
}

describe('doctor', () => {
  it('says that a parent proxy resolves names, and nothing where a shell names Purser for its agents', async () => {
    const findings = async (env: Record<string, string>) =>
      parentFindings({ config: await loadConfig({ file: purser.configFile, env }), file: undefined })
    expect(await findings({ HTTPS_PROXY: 'http://corp:3128' })).toEqual([
      { what: 'parent proxy', result: 'note', text: expect.stringContaining('let the parent refuse private addresses') },
    ])
    expect(await findings({ HTTPS_PROXY: 'http://127.0.0.1:4021' })).toHaveLength(1)
    expect(await findings({ HTTPS_PROXY: 'socks5://127.0.0.1:1' })).toEqual([])
  })

  it('a bare shell is healthy when every installed tool works as exec would run it', async () => {
    const { code, of, findings } = await doctor(purser.configFile, {})
    expect(findings.filter(({ result }) => result === 'fix')).toEqual([])
    expect(code).toBe(0)
    expect(of('this shell')).toMatchObject({ result: 'note' })
    expect(of('Node proxy')).toMatchObject({ result: 'ok' })
    expect(of('Node trust')).toMatchObject({ result: 'ok', text: 'trusts the local authority' })
    expect(of('payments')).toMatchObject({ result: 'ok', text: 'can be made' })
    expect(of('clock')).toMatchObject({ result: 'ok', text: expect.stringContaining('agrees with Purser’s') })
  }, 120_000)

  it('a shell that lacks the authority is told which variable to set, and the command fails', async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = await shell()
    const { code, of } = await doctor(purser.configFile, env)
    expect(code).toBe(1)
    expect(of('Node proxy')).toMatchObject({ result: 'ok' })
    expect(of('Node trust')).toMatchObject({ result: 'fix', text: expect.stringContaining('set NODE_EXTRA_CA_CERTS') })
  }, 120_000)

  it('a shell whose proxy has no credentials is told so', async () => {
    const env = { ...(await shell()), HTTP_PROXY: purser.app.proxyUrl, http_proxy: purser.app.proxyUrl }
    const { code, of } = await doctor(purser.configFile, env)
    expect(code).toBe(1)
    expect(of('Node proxy')).toMatchObject({ result: 'fix', text: expect.stringContaining('HTTP_PROXY=http://SESSION:TOKEN@HOST:PORT') })
  }, 120_000)

  it('says what stops payments in the words of /readyz, and fails', async () => {
    const skew = 'The local clock says 2026-06-27T12:00:00.000Z, the chain eip155:84532 says 2026-06-27T12:01:00.000Z.'
    await using api = await startAdminApi({ readiness: [() => [skew], async () => ['Payments are halted: audit']] })
    const found = Report.parse(JSON.parse((await api.run('doctor', '--json')).out))
    expect(found.ok).toBe(false)
    expect(found.findings.filter(({ what }) => what === 'payments')).toEqual([
      { what: 'payments', result: 'fix', text: skew },
      { what: 'payments', result: 'fix', text: 'Payments are halted: audit' },
    ])
  })
})

describe('judgeClock', () => {
  it.each([
    [new Date(30_000).toUTCString(), 'ok', 'agrees with Purser’s within 30 s'],
    [new Date(31_000).toUTCString(), 'note', 'this machine’s and Purser’s are 31 s apart: synchronise both'],
    [undefined, 'skipped', 'Purser tells no time'],
    ['noon', 'skipped', 'Purser tells no time'],
  ])('a Date of %s is %s: only the clock of the machine that signs stops payments', (date, result, text) => {
    expect(judgeClock(date, 0)).toEqual({ what: 'clock', result, text })
  })
})

describe('judgeWallet', () => {
  const address = `0x${'1'.repeat(40)}`
  const holding = (amount: string, free: string) => [{ network: 'eip155:84532', asset: 'USDC', amount, free }]

  it.each([
    [holding('2.5', '1'), 'ok', `${address} holds 2.5 USDC on eip155:84532 (1 free)`],
    [holding('2.5', '0'), 'note', 'fund it, or payments are refused with wallet_insufficient'],
    [[], 'skipped', `no network with an rpc tells what ${address} holds`],
    [undefined, 'skipped', 'no network with an rpc'],
  ])('what it holds (%j) is %s', (balance, result, text) => {
    const finding = judgeWallet({ address, ...(balance && { balance }) })
    expect(finding).toEqual({ what: 'wallet', result, text: expect.stringContaining(text) })
  })
})
