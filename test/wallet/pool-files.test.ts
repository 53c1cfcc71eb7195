import { chmod, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_PRESIGNED_FILE_BYTES } from '../../src/presigned-limits.ts'
import { PoolFiles } from '../../src/wallet/pool-files.ts'
import { FROM, writePool } from './presigned-at-hand.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-pool-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function opened(...names: string[]) {
  const files = new PoolFiles(
    names.map((name) => join(folder, name)),
    FROM,
  )
  return async () => {
    const told: string[] = []
    const found = await files.changed((sentence) => told.push(sentence))
    return { told, found: found.map(({ path, transfers }) => [path.slice(folder.length + 1), transfers.length]) }
  }
}

describe('the files of a pool', () => {
  it('are read when they are new or changed, and only then', async () => {
    await writePool(join(folder, 'a'))
    const changed = opened('a', 'b')
    expect(await changed()).toEqual({ found: [['a', 3]], told: [expect.stringContaining('there is no such file')] })
    await writePool(join(folder, 'b'), { count: 2 })
    expect(await changed()).toEqual({ found: [['b', 2]], told: [] })
    await writePool(join(folder, 'c'), { count: 1 })
    await rename(join(folder, 'c'), join(folder, 'a'))
    expect(await changed()).toEqual({ found: [['a', 1]], told: [] })
    expect(await changed()).toEqual({ found: [], told: [] })
  })

  it('are not read where others may read them', async () => {
    const changed = opened('a')
    await chmod(await writePool(join(folder, 'a')), 0o644)
    expect(await changed()).toEqual({ found: [], told: [expect.stringContaining('open to others (mode 644); run: chmod 600')] })
    await chmod(join(folder, 'a'), 0o600)
    expect(await changed()).toEqual({ found: [['a', 3]], told: [] })
  })

  it('are told of once where they hold something else, and not read where they are too large', async () => {
    await writeFile(join(folder, 'a'), 'canary', { mode: 0o600 })
    await truncate(await writePool(join(folder, 'b')), MAX_PRESIGNED_FILE_BYTES + 1)
    const changed = opened('a', 'b')
    const large = expect.stringMatching(/larger than \d+ bytes/)
    expect(await changed()).toEqual({ found: [], told: [expect.stringContaining('it is no file of presigned transfers'), large] })
    expect(await changed()).toEqual({ found: [], told: [large] })
  })
})
