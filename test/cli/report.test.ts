import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createReportKeeper } from '../../src/admin/report-keeper.ts'
import { buy } from '../admin/fixture.ts'
import { startAdminApi } from './running-admin.ts'

async function reported() {
  const purser = await startAdminApi()
  const { id: sessionId } = await purser.fixture.open({ labels: { costCentre: 'R-12' } })
  await buy(purser.fixture, { sessionId, amount: 20_000n })
  const file = join(await mkdtemp(join(tmpdir(), 'purser-report-')), 'day.json')
  return { purser, file }
}

describe('report daily', () => {
  it('shows the day in lines and sums, and writes it signed', async () => {
    const { purser, file } = await reported()
    await using _ = purser
    const { code, out } = await purser.run('report', 'daily', '--date', '2026-06-27', '--out', file)
    expect(code).toBe(0)
    expect(out).toMatch(/^autonomous +procurement-agent +R-12 +api\.example\.com +search +settled +1 +\$0\.02$/m)
    expect(out).toContain('settled: 1 for $0.02')
    expect(await purser.run('report', 'verify', file)).toMatchObject({ code: 0, out: 'The report of 2026-06-27 is as it was signed.\n' })
  })

  it('writes the formats that others read, and prints them alone', async () => {
    const { purser, file } = await reported()
    await using _ = purser
    const daily = (...flags: string[]) => purser.run('report', 'daily', '--date', '2026-06-27', ...flags)
    const { out: csv } = await daily('--format', 'csv')
    expect(csv).toMatch(/^date,final,agent,cost_centre,.*\r\n2026-06-27,false,procurement-agent,R-12,.*\r\n$/)
    const { out: page } = await daily('--format', 'markdown')
    expect(page).toMatch(/^# Report of 2026-06-27\n[\s\S]*\| R-12 \| 1 \| 0\.02 USD \|/)
    expect(await daily('--format', 'markdown', '--out', file)).toMatchObject({ code: 0, out: `Wrote it to ${file}.\n` })
    expect(await readFile(file, 'utf8')).toMatch(/^# Report of 2026-06-27\n[\s\S]*\| R-12 \| 1 \| 0\.02 USD \|/)
    expect(JSON.parse((await daily('--format', 'json')).out)).toMatchObject({ kind: 'daily_report', lines: [{ costCentre: 'R-12' }] })
    expect((await daily('--format', 'pdf')).code).toBe(2)
  })

  it('an empty day says so', async () => {
    const { purser } = await reported()
    await using _ = purser
    expect((await purser.run('report', 'daily', '--date', '2026-06-20')).out).toContain('Nothing was asked for on 2026-06-20.')
  })
})

describe('report list and show', () => {
  it('tell which days are kept, and write one of them as it was signed', async () => {
    const { purser, file } = await reported()
    await using _ = purser
    expect((await purser.run('report', 'list')).out).toBe('No report is kept yet.\n')
    const { fixture } = purser
    fixture.clock.advance(86_400_000)
    await createReportKeeper({ ...fixture.deps, onKept: async () => undefined }).keepDue()
    expect((await purser.run('report', 'list')).out).toMatch(/^2026-06-27 +closed +2026-06-28T12:00:00.000Z$/m)
    expect((await purser.run('report', 'show', '2026-06-27', '--out', file)).out).toContain('settled: 1 for $0.02')
    expect(await purser.run('report', 'verify', file)).toMatchObject({ code: 0 })
    expect((await purser.run('report', 'show', '2026-06-27', '--format', 'markdown')).out).toContain('The day is closed.')
    expect(await purser.run('report', 'show', '2026-06-01')).toMatchObject({ code: 1, err: expect.stringContaining('2026-06-01') })
  })
})

describe('report verify', () => {
  it('finds a changed sum and a stranger’s key', async () => {
    const { purser, file } = await reported()
    await using _ = purser
    await purser.run('report', 'daily', '--date', '2026-06-27', '--out', file)
    expect(await purser.run('report', 'verify', file, '--key', 'a'.repeat(64))).toMatchObject({
      code: 1,
      out: expect.stringContaining('another key'),
    })
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('0.02', '0.01'))
    expect(await purser.run('report', 'verify', file)).toMatchObject({
      code: 1,
      out: expect.stringContaining('does not match its signature'),
    })
    expect((await purser.run('report', 'verify', join(file, '..', 'none.json'))).code).toBe(1)
  })
})
