import { getGlobalDispatcher, ProxyAgent, setGlobalDispatcher } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createParents } from '../../src/proxy/parent.ts'
import { createParentFetch } from '../../src/proxy/parent-fetch.ts'
import { startUpstream } from './exchange-rig.ts'
import { startParent } from './parent-rig.ts'

describe('fetch for Purser’s own questions', () => {
  it('http goes in absolute form, https by CONNECT, with the parent’s credentials', async () => {
    const upstream = await startUpstream((_, response) => response.end('asked'))
    const parent = await startParent({ authorization: 'Basic Y29ycA==' })
    const proxy = { host: '127.0.0.1', port: parent.port, secure: false, authorization: 'Basic Y29ycA==' }
    await using own = createParentFetch(createParents({ http: proxy, https: proxy, except: ['direct.example'] }))
    const answer = await own.fetch(`http://rpc.example:${upstream.port}/x`, { method: 'POST', body: 'question' })
    expect([answer.status, await answer.text()]).toEqual([200, 'asked'])
    await expect(own.fetch('https://rpc.example:4443/')).rejects.toThrow()
    expect(parent.asked).toEqual([`POST http://rpc.example:${upstream.port}/x`, 'CONNECT rpc.example:4443'])
    expect(JSON.stringify(upstream.heads)).not.toContain('Y29ycA')
  })

  it('this machine and what is excepted are asked directly', async () => {
    const upstream = await startUpstream((_, response) => response.end('direct'))
    const parent = await startParent()
    const proxy = { host: '127.0.0.1', port: parent.port, secure: false }
    await using own = createParentFetch(createParents({ http: proxy, https: proxy, except: [] }))
    expect(await (await own.fetch(upstream.url)).text()).toBe('direct')
    expect(parent.asked).toEqual([])
  })

  it('a direct way is direct, whatever proxy the process itself was told to take', async () => {
    const upstream = await startUpstream((_, response) => response.end('direct'))
    const parent = await startParent()
    const before = getGlobalDispatcher()
    onTestFinished(() => setGlobalDispatcher(before))
    setGlobalDispatcher(new ProxyAgent(`http://127.0.0.1:${parent.port}`))
    await using own = createParentFetch(createParents({ http: null, https: null, except: [] }))
    expect(await (await own.fetch(upstream.url)).text()).toBe('direct')
    expect(parent.asked).toEqual([])
  })
})
