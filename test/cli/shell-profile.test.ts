import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTorn, readProfile, withBlock, withoutBlock, writeProfile } from '../../src/cli/shell-profile.ts'
import { temporaryFolder } from '../config/folder.ts'

describe('a block in a start-up file', () => {
  it('goes in and comes out, and every byte around it stays, whatever the file held', () => {
    const files = fc.option(fc.string({ unit: fc.constantFrom('a', '\n', ' ', '#', '>', '\r\n') }), { nil: undefined })
    fc.assert(
      fc.property(files, (before) => {
        const after = withBlock(before, ["export A='b'"])
        expect(withoutBlock(after)).toBe(before)
        expect(withBlock(after, ["export A='b'"])).toBe(after)
        expect(withoutBlock(withBlock(after, ["export A='c'"]))).toBe(before)
      }),
    )
  })

  it('what was written behind it since stays too', () => {
    expect(withoutBlock(`${withBlock('one', ['x'])}two\n`)).toBe('one\ntwo\n')
    expect(withoutBlock(`${withBlock('one\n', ['x'])}two\n`)).toBe('one\ntwo\n')
    expect(withoutBlock(`${withBlock(undefined, ['x'])}two\n`)).toBe('two\n')
  })

  it('an end marker that somebody lost takes no line of theirs with it, and is told of', () => {
    const torn = `${withBlock('one\n', ['x']).replace('# <<< purser <<<\n', '')}mine\n`
    expect(withoutBlock(withBlock(torn, ['y']))).toBe(torn)
    expect([isTorn(torn), isTorn(withBlock('one\n', ['x']))]).toEqual([true, false])
  })

  it('is found without its last line break, and as often as it is there', () => {
    const cut = withBlock('one\n', ['x']).slice(0, -1)
    expect(withoutBlock(cut)).toBe('one\n')
    expect(withBlock(cut, ['x'])).toBe(withBlock('one\n', ['x']))
    expect(withoutBlock(withBlock('one\n', ['x']) + withBlock('', ['y']))).toBe('one\n')
  })

  it('bytes that are no UTF-8 stay as they are, and what goes in is UTF-8', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'latin')
    const bytes = Buffer.from([0x23, 0xe4, 0xff, 0x0a])
    await writeFile(file, bytes)
    await writeProfile(file, withBlock(await readProfile(file), ['# ü']))
    expect((await readFile(file)).includes('# ü\n')).toBe(true)
    await writeProfile(file, withoutBlock((await readProfile(file)) ?? ''))
    expect(await readFile(file)).toEqual(bytes)
  })

  it('a file keeps its mode, a new one is its owner’s, and one that was made for the block goes', async () => {
    await using folder = await temporaryFolder()
    const [old, fresh] = [join(folder.path, 'old'), join(folder.path, 'fresh')]
    await writeFile(old, 'a\n')
    await chmod(old, 0o644)
    await writeProfile(old, 'b\n')
    await writeProfile(fresh, 'c\n')
    expect([(await stat(old)).mode & 0o777, (await stat(fresh)).mode & 0o777]).toEqual([0o644, 0o600])
    expect(await readFile(old, 'utf8')).toBe('b\n')
    await writeProfile(fresh, undefined)
    expect(await readProfile(fresh)).toBeUndefined()
  })
})
