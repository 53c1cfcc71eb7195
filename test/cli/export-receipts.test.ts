import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { buy, deny, unavailable } from '../admin/fixture.ts'
import { type RunningAdminApi, startAdminApi } from './running-admin.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-export-'))
})

/** Two sessions with receipts, checkpoints in between. */
async function startBusy(): Promise<RunningAdminApi & { readonly sessions: readonly string[] }> {
  const purser = await startAdminApi()
  const { fixture } = purser
  const sessions: string[] = []
  for (let turn = 0; turn < 2; turn++) {
    const { id: sessionId } = await fixture.open()
    sessions.push(sessionId)
    await buy(fixture, { sessionId })
    await deny(fixture, { sessionId })
    await fixture.deps.checkpointing.now()
    await buy(fixture, { sessionId, end: 'unknown' })
  }
  return { ...purser, sessions, [Symbol.asyncDispose]: () => purser[Symbol.asyncDispose]() }
}

describe('receipts export', () => {
  it.each(['jsonl', 'json'])('as %s proves itself, sealed by a checkpoint that was made for it', async (format) => {
    await using purser = await startBusy()
    const file = join(folder, `receipts.${format}`)
    expect(await purser.run('receipts', 'export', '--format', format, '--out', file)).toMatchObject({ code: 0, err: '' })
    const { publicKey } = purser.fixture.deps.checkpointing
    const { out, code } = await purser.run('receipts', 'verify', file, '--sealed', '--key', publicKey, '--json')
    const { count, chains, checkpoints, ok } = JSON.parse(out)
    expect([code, ok, chains, checkpoints]).toEqual([0, true, 2, 3])
    expect(count).toBe((await purser.fixture.ledger.receipts({}, { limit: 100 })).items.length)
    if (format === 'json') expect(JSON.parse(await readFile(file, 'utf8'))).toHaveLength(count + 3)
  })

  it('goes to standard output as it goes to a file', async () => {
    await using purser = await startBusy()
    const { out } = await purser.run('receipts', 'export')
    await writeFile(join(folder, 'piped'), out)
    expect(await purser.run('receipts', 'verify', join(folder, 'piped'), '--sealed')).toMatchObject({ code: 0 })
  })

  it('leaves out what was written after its checkpoint: no entry of a file is without a seal', async () => {
    await using purser = await startBusy()
    const { fixture, sessions } = purser
    const { receipts } = fixture.ledger
    // Somebody pays between the checkpoint and the list.
    fixture.ledger.receipts = async (filter, page) => {
      fixture.ledger.receipts = receipts.bind(fixture.ledger)
      await buy(fixture, { sessionId: sessions[0] ?? '' })
      return fixture.ledger.receipts(filter, page)
    }
    const file = join(folder, 'receipts.jsonl')
    await purser.run('receipts', 'export', '--out', file)
    expect(await purser.run('receipts', 'verify', file, '--sealed')).toMatchObject({ code: 0 })
    const { unsealed } = JSON.parse((await purser.run('receipts', 'verify', '--json')).out)
    expect(unsealed).toBeGreaterThan(0)
  })

  it('of one session verifies as one', async () => {
    await using purser = await startBusy()
    const [session = ''] = purser.sessions
    const file = join(folder, 'one.jsonl')
    await purser.run('receipts', 'export', '--session', session, '--out', file)
    expect(await purser.run('receipts', 'verify', file, '--session', session, '--sealed')).toMatchObject({ code: 0 })
  })

  it('that leaves receipts out, or is CSV, says that it cannot be verified', async () => {
    await using purser = await startBusy()
    const csv = await purser.run('receipts', 'export', '--format', 'csv')
    expect([csv.err, csv.out.startsWith('id,kind,')]).toEqual([expect.stringContaining('CSV cannot carry checkpoints'), true])
    for (const format of ['json', 'jsonl']) {
      const some = await purser.run('receipts', 'export', '--kind', 'refusal', '--format', format)
      expect(some.err).toContain('cannot be verified')
      expect(some.out).not.toContain('"checkpoint"')
      const parsed = format === 'json' ? JSON.parse(some.out) : some.out.trimEnd().split('\n')
      expect(parsed).toHaveLength(2)
    }
  })

  it('of nothing is an empty list', async () => {
    await using purser = await startAdminApi()
    expect((await purser.run('receipts', 'export')).out).toBe('')
    expect((await purser.run('receipts', 'export', '--format', 'json')).out).toBe('[\n]\n')
  })

  it('that breaks off leaves no file behind', async () => {
    await using purser = await startBusy()
    const { ledger } = purser.fixture
    const { receipts } = ledger
    ledger.receipts = async (filter, page) => {
      if (page.cursor !== undefined) throw unavailable()
      return { ...(await receipts.call(ledger, filter, page)), next: 'more' }
    }
    const { code, err } = await purser.run('receipts', 'export', '--out', join(folder, 'half.jsonl'))
    expect([code, err]).toEqual([1, expect.stringContaining('did not succeed')])
    expect(await readdir(folder)).toEqual([])
  })
})
