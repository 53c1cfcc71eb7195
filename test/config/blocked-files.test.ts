import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockedFileError, BlockedFiles, parseAddresses } from '../../src/config/blocked-files.ts'
import { temporaryFolder } from './folder.ts'

const ONE = `0x${'Aa'.repeat(20)}`
const TWO = `0x${'b1'.repeat(20)}`

describe('parseAddresses', () => {
  it('reads one address a line, in lower case, without comments and blanks', () => {
    const text = `\uFEFF# sanctioned\r\n${ONE}\r\n\r\n  ${TWO}   # since 2026\n#${ONE}\n`
    expect(parseAddresses(text, 'list')).toEqual([ONE.toLowerCase(), TWO])
  })

  it.each([
    [`${ONE}\nbc1qxy`, /^list, line 2: not an address/],
    [`${ONE} ${TWO}`, /line 1/],
    [`${ONE}0`, /line 1/],
    [ONE.slice(0, 20), /line 1/],
    ['', /^list is empty; write a comment/],
    ['\n \n', /^list is empty/],
  ])('%j is no list, and the message says where', (text, message) => {
    expect(() => parseAddresses(text, 'list')).toThrow(BlockedFileError)
    expect(() => parseAddresses(text, 'list')).toThrow(message)
  })

  it('a comment alone is a list of nobody', () => {
    expect(parseAddresses('# nobody yet', 'list')).toEqual([])
  })

  it('lets only its own error out', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          for (const address of parseAddresses(text, 'list')) expect(address).toMatch(/^0x[0-9a-f]{40}$/)
        } catch (fault) {
          if (!(fault instanceof BlockedFileError)) throw fault
        }
      }),
    )
  })
})

describe('BlockedFiles', () => {
  it('joins all lists, and has a digest of what they say, however they say it', async () => {
    await using folder = await temporaryFolder()
    const [a, b] = [await folder.write('a', `${ONE}\n`), await folder.write('b', `${TWO}\n${ONE.toLowerCase()}\n`)]
    const files = await BlockedFiles.open([a, b])
    expect([...(files.current?.addresses ?? [])].sort()).toEqual([ONE.toLowerCase(), TWO])
    const other = await BlockedFiles.open([await folder.write('c', `# the same\n${TWO}\n${ONE}\n`)])
    expect(other.current?.digest).toBe(files.current?.digest)
    expect((await BlockedFiles.open([a])).current?.digest).not.toBe(files.current?.digest)
  })

  it('without files there is nothing to compare with', async () => {
    expect((await BlockedFiles.open([])).current).toBeUndefined()
  })

  it('a list that is missing or broken at the start stops it', async () => {
    await using folder = await temporaryFolder()
    await expect(BlockedFiles.open([join(folder.path, 'none')])).rejects.toThrow(/there is no file .*none$/)
    await expect(BlockedFiles.open([await folder.write('bad', 'nobody')])).rejects.toThrow(/bad, line 1: not an address/)
    await expect(BlockedFiles.open([folder.path])).rejects.toThrow(BlockedFileError)
  })

  it('a list that changes is read again; one that is broken, emptied or gone stays as it was, and is told of once', async () => {
    await using folder = await temporaryFolder()
    const path = await folder.write('list', ONE)
    const files = await BlockedFiles.open([path])
    const before = files.current
    for (const [text, problem] of [
      ['what?', /line 1: not an address/],
      ['', /is empty/],
    ] as const) {
      await folder.write('list', text)
      expect(await files.refresh()).toEqual([expect.stringMatching(problem)])
      expect(await files.refresh()).toEqual([])
      expect(files.current).toBe(before)
    }
    await rm(path)
    expect(await files.refresh()).toEqual([expect.stringMatching(/there is no file/)])
    expect(files.current).toBe(before)
    await rename(await folder.write('next', TWO), path)
    expect(await files.refresh()).toEqual([])
    expect([...(files.current?.addresses ?? [])]).toEqual([TWO])
  })

  it('what did not change is not read again', async () => {
    await using folder = await temporaryFolder()
    const files = await BlockedFiles.open([await folder.write('list', ONE)])
    const before = files.current
    expect(await files.refresh()).toEqual([])
    expect(files.current).toBe(before)
  })
})
