import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Accepted, Entry } from '../../src/wallet/signer-book.ts'
import { openSignerJournal } from '../../src/wallet/signer-journal.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-journal-'))
  path = join(folder, 'journal')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const entry = (n: number): Entry => ({
  ...{ kind: 'charge', sessionId: 's', paymentId: `p${n}`, place: `n${n}`, nonce: `n${n}` },
  ...{ amount: BigInt(n), added: BigInt(n), until_s: 5, day: '2026-11-23' },
})

async function entries(): Promise<(Entry | Accepted)[]> {
  const found: (Entry | Accepted)[] = []
  await using _ = await openSignerJournal(path, (one) => void found.push(one))
  return found
}

describe('the journal of the signer', () => {
  it('gives back what was appended, in order, also where many came at once', async () => {
    const all = Array.from({ length: 200 }, (_, n) => entry(n))
    {
      await using journal = await openSignerJournal(path, () => undefined)
      await Promise.all(all.map((one) => journal.append(one)))
      await journal.append({ kind: 'accepted' })
    }
    expect(await entries()).toEqual([...all, { kind: 'accepted' }])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('is on disk when append resolves', async () => {
    await using journal = await openSignerJournal(path, () => undefined)
    await journal.append(entry(1))
    expect(await readFile(path, 'utf8')).toContain('"p1"')
  })

  it('drops a line that a crash cut off, and goes on behind the whole ones', async () => {
    {
      await using journal = await openSignerJournal(path, () => undefined)
      await journal.append(entry(1))
    }
    await appendFile(path, '{"kind":"charge","sessi')
    {
      await using journal = await openSignerJournal(path, () => undefined)
      await journal.append(entry(2))
    }
    expect(await entries()).toEqual([entry(1), entry(2)])
  })

  it('does not open where another line cannot be read', async () => {
    await writeFile(path, 'nothing\n{"kind":"accepted"}\n')
    await expect(entries()).rejects.toThrow(/journal:1 cannot be read/)
  })

  it('after a write that failed nothing is taken any more', async () => {
    const journal = await openSignerJournal(path, () => undefined)
    await journal[Symbol.asyncDispose]()
    await expect(journal.append(entry(1))).rejects.toThrow()
    await expect(journal.append(entry(2))).rejects.toThrow()
    expect(await entries()).toEqual([])
  })
})
