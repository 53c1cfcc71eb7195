import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { openWayOut } from '../src/way-out.ts'
import { dataFolder } from './proxy/data-folder.ts'
import { startParent } from './proxy/parent-rig.ts'

async function configWith(proxy: object) {
  const folder = await dataFolder()
  await writeFile(join(folder, 'purser.yaml'), JSON.stringify({ proxy }))
  return loadConfig({ file: join(folder, 'purser.yaml'), env: {} })
}

it('our own questions take the way of upstreams, with the parent’s credentials from its secret', async () => {
  const parent = await startParent({ authorization: `Basic ${btoa('pur:ser')}` })
  const config = await configWith({ parent: { url: `http://127.0.0.1:${parent.port}`, user: 'pur', password: 'env:PARENT' } })
  await using way = await openWayOut(config, { PARENT: 'ser' })
  await way.fetch('http://rpc.example:8545/').catch(() => undefined)
  expect(parent.asked).toEqual(['GET http://rpc.example:8545/'])
  expect(way.parents.of({ scheme: 'https', host: 'api.example.com', port: 443 })).toMatchObject({ port: parent.port })
})

it('without a parent every way is direct', async () => {
  await using way = await openWayOut(await configWith({}), {})
  expect([way.parents.of({ scheme: 'https', host: 'api.example.com', port: 443 }), way.ca]).toEqual([undefined, []])
})
