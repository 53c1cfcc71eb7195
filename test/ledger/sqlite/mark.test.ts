import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Mark, markFault, openMark, readMark } from '../../../src/ledger/sqlite/mark.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-mark-'))
  path = join(folder, 'purser.db.mark')
})
afterEach(() => rmSync(folder, { recursive: true }))

const reached = (commits: bigint, ledgerId = 'led_1') => ({ ledgerId, commits })

/** What a ledger's file says of itself. */
function identityAt(commits: bigint, ledgerId = 'led_1') {
  const state = { commits }
  return {
    ledgerId,
    commits: () => state.commits,
    setCommits(count: bigint) {
      state.commits = count
    },
  }
}

const open = (identity: ReturnType<typeof identityAt>, accept = false) => openMark({ path, identity, accept })

/** Opens it, counts so many commits, and closes it. */
function run(identity: ReturnType<typeof identityAt>, commits: number): void {
  const opened = open(identity)
  if (opened.kind === 'frozen') throw new Error(opened.fault)
  using counter = opened.counter
  for (let turn = 0; turn < commits; turn++) {
    counter.advance()
    counter.reached()
  }
}

describe('the mark', () => {
  it('is read as it was written last, whatever the length of its numbers, for its user only', () => {
    const mark = Mark.open(path, reached(0n))
    for (const commits of [0n, 1n, 9n, 10n, 99n, 100n, 2n ** 62n]) {
      mark.write(reached(commits))
      expect(readMark(path)).toEqual(reached(commits))
    }
    mark.close()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(path).size).toBeLessThanOrEqual(1024)
  })

  it('survives a torn write: the other slot tells of the commit before', () => {
    const mark = Mark.open(path, reached(7n))
    mark.write(reached(8n))
    mark.close()
    const whole = readFileSync(path)
    for (let cut = 0; cut < 40; cut++) {
      const torn = Buffer.from(whole)
      torn.fill('x', cut, 512)
      writeFileSync(path, torn)
      expect(readMark(path)).toEqual(reached(7n))
    }
  })

  it('is missing where there is no file or nothing in it, and spoiled where nothing can be read', () => {
    expect(readMark(path)).toBe('missing')
    writeFileSync(path, '')
    expect(readMark(path)).toBe('missing')
    writeFileSync(path, 'purser-mark 1 led_1 5 00000000\n')
    expect(readMark(path)).toBe('spoiled')
  })
})

describe('a ledger and its mark', () => {
  it.each([
    ['begin together', reached(0n), 'missing', undefined],
    ['stand at the same commit', reached(5n), reached(5n), undefined],
    ['stand after a power cut that the mark did not see', reached(6n), reached(5n), undefined],
    ['are apart: the ledger is older', reached(4n), reached(5n), 'is an older copy: its last 1 commit is missing.'],
    ['are apart: the ledger is much older', reached(0n), reached(5n), 'is an older copy: its last 5 commits are missing.'],
    ['are of different ledgers', reached(9n, 'led_2'), reached(5n), 'is not the one that its high-water mark belongs to.'],
    ['are apart: the mark is gone', reached(1n), 'missing', 'The high-water mark of the ledger is missing.'],
    ['are apart: the mark is spoiled', reached(0n), 'spoiled', 'The high-water mark of the ledger cannot be read.'],
  ] as const)('%s', (_, ledger, mark, fault) => {
    const found = markFault(ledger, mark)
    if (fault === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(fault)
  })

  it('go on together over restarts', () => {
    const identity = identityAt(0n)
    run(identity, 3)
    run(identity, 2)
    expect([identity.commits(), readMark(path)]).toEqual([5n, reached(5n)])
  })

  it('a restored older copy is frozen, with a sentence that says what to do, and the mark stays', () => {
    run(identityAt(0n), 5)
    const opened = open(identityAt(3n))
    expect(opened).toEqual({
      kind: 'frozen',
      fault: expect.stringMatching(/last 2 commits are missing\. .*nothing is paid\. .*--accept-restored-ledger`\.$/),
    })
    expect(readMark(path)).toEqual(reached(5n))
  })

  it('one that is accepted goes on beyond the mark, and the ledger that it replaced is the older one from then on', () => {
    run(identityAt(0n), 5)
    const restored = identityAt(3n)
    const opened = open(restored, true)
    expect(opened).toMatchObject({ kind: 'open', warning: expect.stringContaining('An operator accepted it. Run `purser reconcile`') })
    if (opened.kind === 'open') opened.counter[Symbol.dispose]()
    expect([restored.commits(), readMark(path)]).toEqual([6n, reached(6n)])
    expect(open(identityAt(5n)).kind).toBe('frozen')
    run(restored, 1)
  })

  it('accepting changes nothing where nothing is wrong', () => {
    run(identityAt(0n), 5)
    const opened = open(identityAt(5n), true)
    expect(opened).toMatchObject({ kind: 'open', warning: undefined })
    if (opened.kind === 'open') opened.counter[Symbol.dispose]()
    expect(readMark(path)).toEqual(reached(5n))
  })

  it('another ledger is accepted under its own name', () => {
    run(identityAt(0n), 5)
    const opened = open(identityAt(2n, 'led_2'), true)
    if (opened.kind === 'open') opened.counter[Symbol.dispose]()
    expect(readMark(path)).toEqual(reached(6n, 'led_2'))
  })

  it('a mark that cannot be there stops the start', () => {
    path = join(folder, 'no folder', 'mark')
    expect(() => open(identityAt(0n))).toThrow('ledger_unavailable: The high-water mark')
    mkdirSync(join(folder, 'mark'))
    path = join(folder, 'mark')
    expect(() => open(identityAt(0n))).toThrow('ledger_unavailable')
    chmodSync(folder, 0o700)
  })
})
