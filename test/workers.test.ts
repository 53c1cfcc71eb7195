import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { workersOf } from '../src/workers.ts'
import { temporaryFolder } from './config/folder.ts'

async function configured(workers: string) {
  await using folder = await temporaryFolder()
  return await loadConfig({ file: await folder.write('purser.yaml', `proxy: { workers: ${workers} }\n`), env: {} })
}

describe('proxy.workers', () => {
  it('is one process unless told otherwise, and as many as there are processors where it says auto', async () => {
    expect(workersOf(await loadConfig({ env: {} }))).toBe(1)
    expect(workersOf(await configured('3'))).toBe(3)
    expect(workersOf(await configured('auto'))).toBe(availableParallelism())
  })

  it.each(['0', '65', '1.5', 'many'])('%s is refused with what may stand there', async (workers) => {
    await expect(configured(workers)).rejects.toMatchObject({
      problems: [{ path: 'proxy.workers', message: 'write auto or a whole number from 1 to 64' }],
    })
  })
})
