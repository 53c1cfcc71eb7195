import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveFile, readLines, type Stretch } from '../../../src/ledger/archive/files.ts'
import type { Segment } from '../../../src/ledger/retention.ts'

let folder = ''
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'purser-archive-')), 'deep')
})
afterEach(() => rm(join(folder, '..'), { recursive: true }))

const segment = (stretch: Stretch): Segment => ({
  ...{ ...stretch, number: 1, kind: 'receipts', entries: 1, first: 1n, last: 1n, oldest: 0, newest: 0 },
})

describe('a file of the archive', () => {
  it('is one .gz, of which each segment is read by itself', async () => {
    await using file = await ArchiveFile.begin(folder, 'a.gz')
    const [one, other] = [await file.append(['{"a":1}', '{"b":2}']), await file.append(['{"ü":3}'])]
    expect([await readLines(folder, segment(one)), await readLines(folder, segment(other))]).toEqual([['{"a":1}', '{"b":2}'], ['{"ü":3}']])
    expect(gunzipSync(await readFile(join(folder, 'a.gz'))).toString()).toBe('{"a":1}\n{"b":2}\n{"ü":3}\n')
    expect(file.size).toBe((await stat(join(folder, 'a.gz'))).size)
    expect((await stat(join(folder, 'a.gz'))).mode & 0o077).toBe(0)
  })

  it('is never begun over another one', async () => {
    await (await ArchiveFile.begin(folder, 'a.gz'))[Symbol.asyncDispose]()
    await expect(ArchiveFile.begin(folder, 'a.gz')).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it('may have more than was handed over: that is passed by', async () => {
    await using file = await ArchiveFile.begin(folder, 'a.gz')
    const stretch = await file.append(['{}'])
    await appendFile(join(folder, 'a.gz'), 'half a segm')
    expect(await readLines(folder, segment(stretch))).toEqual(['{}'])
  })

  it.each([
    ['was altered', (path: string) => writeFile(path, Buffer.alloc(500))],
    ['was cut: it ends before byte', (path: string) => truncate(path, 5)],
    ['is missing from', (path: string) => rm(path)],
  ])('says that it %s, with its name', async (why, harm) => {
    await using file = await ArchiveFile.begin(folder, 'a.gz')
    const stretch = await file.append(['{}'])
    await harm(join(folder, 'a.gz'))
    const message = expect.stringContaining(`the archive file a.gz ${why}`)
    await expect(readLines(folder, segment(stretch))).rejects.toMatchObject({ name: 'ArchiveFault', message })
  })
})
