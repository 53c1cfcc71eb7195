import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPresigned } from '../../src/wallet/presigned-file.ts'
import { FROM, PAY_TO } from '../wallet/presigned-at-hand.ts'
import { runHere, writeConfig } from './running-purser.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}`
let folder: string
let configFile: string
beforeAll(async () => {
  ;({ folder, configFile } = await writeConfig({ wallet: { kind: 'local', key: 'env:KEY' } }))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const usual = {
  '--network': 'base-sepolia',
  '--asset': 'USDC',
  '--recipient': PAY_TO,
  '--amount': '0.01',
  '--count': '3',
  '--out': 'pool.json',
}
function presign(changes: Partial<Record<keyof typeof usual | '--valid', string>> = {}, ...more: string[]) {
  const flags = { ...usual, ...changes }
  const argv = Object.entries({ ...flags, '--out': join(folder, flags['--out']) }).flat()
  return runHere(['wallet', 'presign', '--config', configFile, ...argv, ...more], { KEY })
}

describe('wallet presign', () => {
  it('writes a file for this user alone, and says what it is worth and until when', async () => {
    const { code, out, err } = await presign({ '--out': 'first.json', '--valid': '48h' })
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain(`3 transfers of 0.01 USDC from ${FROM} to ${PAY_TO} on eip155:84532, 0.03 USDC in all, until 20`)
    expect(out).toContain('carry it like money. The proxy needs wallet.maxWindow: 2d.')
    const path = join(folder, 'first.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readPresigned(await readFile(path, 'utf8'), FROM)).toHaveLength(3)
  })

  it('says the same to programs', async () => {
    const { out } = await presign({ '--out': 'json.json' }, '--json')
    expect(JSON.parse(out)).toMatchObject({
      from: FROM,
      to: PAY_TO,
      network: 'eip155:84532',
      asset: 'USDC',
      amountAtomic: '10000',
      count: 3,
    })
  })

  it.each([
    ['no amount', { '--amount': '0' }, '--amount is 0'],
    ['more decimals than the token has', { '--amount': '0.0000001' }, 'decimals'],
    ['none', { '--count': '0' }, '--count is from 1 to 10000'],
    ['too many', { '--count': '10001' }, '--count is from 1 to 10000'],
    ['too long', { '--valid': '7d' }, '--valid is from 1m to 6d'],
    ['too short', { '--valid': '59s' }, '--valid is from 1m to 6d'],
    ['no address', { '--recipient': 'weather.example' }, 'write 0x and 40 hex digits'],
    ['itself', { '--recipient': FROM }, 'is the wallet itself'],
    ['another network', { '--network': 'base' }, 'There is no network base'],
  ])('signs nothing for %s, and leaves no file', async (_, changes, said) => {
    const { code, err } = await presign(changes)
    expect([code === 0, err]).toEqual([false, expect.stringContaining(said)])
    expect(await readdir(folder)).not.toContain('pool.json')
  })

  it('overwrites nothing', async () => {
    await writeFile(join(folder, 'there.json'), 'canary')
    const { code, err } = await presign({ '--out': 'there.json' })
    expect([code, err]).toEqual([1, expect.stringContaining('is there already. Nothing was signed.')])
    expect(await readFile(join(folder, 'there.json'), 'utf8')).toBe('canary')
  })
})
