import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { checkpointHash } from '../../src/audit/checkpoint.ts'
import { buy } from '../admin/fixture.ts'
import { exportedLines, historyOf, OTHER_SIGNER, SIGNER } from '../audit/checkpoint-fixture.ts'
import { startAdminApi } from './running-admin.ts'
import { runHere } from './running-purser.ts'

const history = historyOf('aab|bab')
const lines = exportedLines(history)
const newest = history.checkpoints[1]
const anchor = `2:${newest ? checkpointHash(newest) : ''}`

async function verify(some: readonly string[], ...flags: string[]) {
  const path = join(await mkdtemp(join(tmpdir(), 'purser-receipts-')), 'receipts.jsonl')
  await writeFile(path, some.map((line) => `${line}\n`).join(''))
  return runHere(['receipts', 'verify', path, ...flags])
}

describe('receipts verify FILE', () => {
  it('a whole export holds, offline, in either order, and says what sealed it', async () => {
    const rising = [...history.receipts, ...history.checkpoints].map(canonicalJson)
    for (const some of [lines, rising]) {
      const { code, out } = await verify(some)
      expect([code, out]).toEqual([0, expect.stringContaining('6 receipts in 2 sessions; every chain holds.')])
      expect(out).toContain(`Sealed by checkpoint ${anchor} of 2026-06-27T12:00:00.000Z, key ${SIGNER.publicKey}.`)
    }
  })

  it('what it prints of a seal can be asked for again', async () => {
    expect(await verify(lines, '--anchor', anchor, '--key', SIGNER.publicKey.toUpperCase(), '--sealed')).toMatchObject({ code: 0 })
    expect(await verify(lines, '--key', OTHER_SIGNER.publicKey)).toMatchObject({
      code: 1,
      out: expect.stringContaining('broken  checkpoint 1, line 7: it is signed with another key.'),
    })
    const earlier = exportedLines(historyOf('aab'))
    expect(await verify(earlier, '--anchor', anchor)).toMatchObject({ code: 1, out: expect.stringContaining('history was rolled back') })
  })

  it('a file without a checkpoint holds, and is said not to be sealed', async () => {
    const bare = lines.slice(0, 6)
    expect(await verify(bare)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Not sealed: there is no checkpoint in the file, so the newest receipts could be missing.'),
    })
    expect(await verify(bare, '--sealed')).toMatchObject({ code: 1, out: expect.stringContaining('the file has no checkpoint') })
  })

  it('the first broken row is named: session, number, id, line and why', async () => {
    const changed = lines.with(2, (lines[2] ?? '').replace('autonomous', 'supervised'))
    const { code, out } = await verify(changed)
    expect([code, out]).toEqual([
      1,
      expect.stringContaining('session ses_b, receipt 2 (rcp_ses_bx-4), line 3: its content does not match its hash.'),
    ])
    const { brokenAt } = JSON.parse((await verify(changed, '--json')).out)
    expect(brokenAt).toEqual({ sessionId: 'ses_b', number: 2, id: 'rcp_ses_bx-4', line: 3, why: 'its content does not match its hash' })
  })

  it('a dropped entry, a cut end and a line that cannot be read are found', async () => {
    for (const some of [lines.toSpliced(2, 1), lines.slice(1), lines.slice(0, -1)]) expect(await verify(some)).toMatchObject({ code: 1 })
    expect(await verify(lines.with(3, '{}'))).toMatchObject({ code: 1, out: expect.stringContaining('line 4: not a receipt') })
  })

  it('an export of one session is verified as one', async () => {
    const some = lines.filter((line) => line.includes('"kind":"checkpoint"') || line.includes('"sessionId":"ses_a"'))
    expect(await verify(some, '--session', 'ses_a')).toMatchObject({ code: 0 })
    const { code, out } = await verify(some)
    expect([code, out]).toEqual([1, expect.stringContaining('session ses_b, receipt 1: checkpoint 1 names it')])
    expect(out).toContain('if this is an export of session ses_a alone, verify it with --session ses_a')
  })

  it('a file that is no export is refused with its name', async () => {
    const { code, err } = await verify(['{"a":1}'])
    expect(code).toBe(1)
    expect(err).toContain('cannot be read as an export of receipts')
    expect(err).toContain('receipts export --format jsonl')
  })

  it('a file that is not there is refused', async () => {
    const { code, err } = await runHere(['receipts', 'verify', '/nowhere.jsonl'])
    expect([code, err]).toEqual([1, expect.stringContaining('There is no file /nowhere.jsonl.')])
  })

  it.each([
    ['--key', 'abc', '64 hex digits'],
    ['--anchor', '0:ff', 'number and hash'],
  ])('%s %s is wrong usage', async (flag, value, why) => {
    expect(await verify(lines, flag, value)).toMatchObject({ code: 2, err: expect.stringContaining(why) })
  })
})

describe('receipts verify', () => {
  it('checks the running ledger, and says how far it is sealed', async () => {
    await using purser = await startAdminApi()
    const { id: sessionId } = await purser.fixture.open()
    await buy(purser.fixture, { sessionId })
    expect(await purser.run('receipts', 'verify')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Not sealed: there is no checkpoint yet'),
    })
    await purser.fixture.deps.checkpointing.now()
    await buy(purser.fixture, { sessionId })
    const { out } = await purser.run('receipts', 'verify')
    expect(out).toMatch(
      /Sealed by checkpoint 1:[0-9a-f]{64} of .*, key [0-9a-f]{64}\. [1-9][0-9]* newer receipts? (is|are) not sealed yet\./,
    )
    expect(await purser.run('receipts', 'verify', '--sealed')).toMatchObject({ code: 1, err: expect.stringContaining('Name the file') })
  })
})
