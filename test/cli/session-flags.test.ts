import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { specOf } from '../../src/cli/session-flags.ts'

const least = { agent: 'a', purpose: 'p', cap: '10', ttl: '1h' }

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'purser-limits-')), 'limits.json')
  await writeFile(path, text)
  return path
}

describe('session flags', () => {
  it('what was not said stays absent, because an empty list or map refuses everything', async () => {
    expect(await specOf(least)).toEqual(least)
  })

  it('every flag finds its place', async () => {
    const spec = await specOf({
      ...least,
      perPayment: '1',
      maxPayments: 0,
      perRecipient: { '*': '2' },
      perWindow: [{ max: '5', per: '10m' }],
      taskPayments: 3,
      taskRequests: 0,
      host: ['*.example.com'],
      path: ['/v1/*'],
      category: ['search'],
      enforce: 'all',
      onDrift: 'deny',
      network: ['base-sepolia'],
      label: { team: 'x' },
      singleUse: true,
    })
    expect(spec).toEqual({
      ...least,
      networks: ['base-sepolia'],
      labels: { team: 'x' },
      singleUse: true,
      limits: {
        ...{ perPayment: '1', payments: 0, perRecipient: { '*': '2' }, perWindow: [{ max: '5', per: '10m' }] },
        perTask: { payments: 3, requests: 0 },
      },
      scope: { hosts: ['*.example.com'], paths: ['/v1/*'], categories: ['search'], enforce: 'all', onDrift: 'deny' },
    })
  })

  it('nothing is said for who does not say it, because a child takes it from its parent', async () => {
    expect(await specOf({ cap: '1', ttl: '1h', parent: 'ses_1' })).toEqual({ cap: '1', ttl: '1h', parent: 'ses_1' })
  })

  it('a mandate stands in a file, whose text is sent without the line break at its end', async () => {
    const mandate = await file('a.b.c~\n')
    expect(await specOf({ ...least, mandate, tokenFormat: 'jwt' })).toEqual({ ...least, mandate: 'a.b.c~', tokenFormat: 'jwt' })
    await expect(specOf({ ...least, mandate: `${mandate}-none` })).rejects.toMatchObject({ exitCode: 2 })
  })

  it('a refill needs an amount, a rhythm and an upper bound', async () => {
    const refill = { amount: '0.50', every: '1h' }
    expect(await specOf({ ...least, refill, refillMax: '2.00' })).toEqual({ ...least, refill: { ...refill, max: '2.00' } })
    await expect(specOf({ ...least, refill })).rejects.toMatchObject({ exitCode: 2 })
    await expect(specOf({ ...least, refillMax: '2.00' })).rejects.toThrow('--refill and --refill-max belong together.')
  })

  it('flags win over the file of limits', async () => {
    const limitsJson = await file('{"perPayment":"1","payments":5}')
    expect(await specOf({ ...least, limitsJson, perPayment: '2' })).toMatchObject({ limits: { perPayment: '2', payments: 5 } })
  })

  it.each(['', '[]', '"x"', '{'])('a file that holds %j is wrong usage', async (text) => {
    const limitsJson = await file(text)
    await expect(specOf({ ...least, limitsJson })).rejects.toMatchObject({ exitCode: 2 })
  })

  it('a file that is not there is wrong usage and named', async () => {
    await expect(specOf({ ...least, limitsJson: '/nowhere.json' })).rejects.toThrow('--limits-json: /nowhere.json')
  })
})
