import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { withBlock } from '../../src/cli/shell-profile.ts'
import { temporaryFolder } from '../config/folder.ts'
import { runHere } from './running-purser.ts'

describe('uninstall', () => {
  it('needs no configuration, looks where it is told, and leaves what others wrote', async () => {
    await using folder = await temporaryFolder()
    const file = await folder.write('mine', withBlock('export OTHER=1\n', ["export HTTP_PROXY='x'"]))
    const { code, out } = await runHere(['uninstall', '--file', file, '--json'])
    expect([code, JSON.parse(out)]).toEqual([0, { dryRun: false, changed: [file] }])
    expect(await readFile(file, 'utf8')).toBe('export OTHER=1\n')
  })

  it('says which file it cannot put back, because a block has lost its last line', async () => {
    await using folder = await temporaryFolder()
    const torn = withBlock('', ["export HTTP_PROXY='x'"]).replace('# <<< purser <<<\n', 'mine\n')
    const file = await folder.write('mine', torn)
    const { out, err } = await runHere(['uninstall', '--file', file])
    expect([out, err]).toEqual(['', expect.stringContaining(`${file}: a block there has lost its last line`)])
    expect(await readFile(file, 'utf8')).toBe(torn)
  })

  it('without a home it asks for a file', async () => {
    expect(await runHere(['uninstall'])).toMatchObject({ code: 1, err: expect.stringContaining('HOME is not set.') })
  })
})
