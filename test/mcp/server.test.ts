import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { expect, it, onTestFinished } from 'vitest'
import { DoorError, type OwnDoor } from '../../src/mcp/own-door.ts'
import { createMcpServer } from '../../src/mcp/server.ts'
import { BALANCE, doorAnswering } from './door.ts'

async function connected(door: OwnDoor, faults: unknown[] = []): Promise<Client> {
  const server = createMcpServer({ door, version: '1.2.3', faulted: (...fault) => faults.push(fault) })
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: 'test', version: '1.0.0' })
  await Promise.all([server.connect(ours), client.connect(theirs)])
  onTestFinished(() => client.close())
  return client
}

const failing = (fault: Error): OwnDoor => ({ get: () => Promise.reject(fault), post: () => Promise.reject(fault) })

it('every tool says what it takes and gives, and which of them tell people something', async () => {
  const { tools } = await (await connected(doorAnswering({}))).listTools()
  expect(
    tools.map(({ name, annotations, inputSchema, outputSchema }) => [
      name,
      annotations?.readOnlyHint,
      inputSchema.type,
      outputSchema?.type,
    ]),
  ).toEqual([
    ['check_balance', true, 'object', 'object'],
    ['list_payments', true, 'object', 'object'],
    ['explain_refusal', true, 'object', 'object'],
    ['quote', true, 'object', 'object'],
    ['request_approval', false, 'object', 'object'],
    ['request_topup', false, 'object', 'object'],
  ])
})

it('an answer is a text and the same as data', async () => {
  const client = await connected(doorAnswering({ 'GET /v1/session': [BALANCE] }))
  expect(client.getServerVersion()).toMatchObject({ name: 'purser', version: '1.2.3' })
  expect(await client.callTool({ name: 'check_balance', arguments: {} })).toMatchObject({
    content: [{ type: 'text', text: expect.stringContaining('4.20 USD remain') }],
    structuredContent: BALANCE,
  })
})

it('a no of the door is an error with its code, its sentence and what to do', async () => {
  const client = await connected(failing(new DoorError('It has ended.', { code: 'session_expired', nextAction: 'Ask for a new one.' })))
  expect(await client.callTool({ name: 'check_balance', arguments: {} })).toEqual({
    ...{ isError: true, content: [{ type: 'text', text: 'session_expired: It has ended. Ask for a new one.' }] },
  })
})

it('a fault of ours is told to whoever runs it, and its text to nobody', async () => {
  const faults: unknown[] = []
  const fault = new Error('with a secret in it')
  const client = await connected(failing(fault), faults)
  const answer = await client.callTool({ name: 'check_balance', arguments: {} })
  expect(answer).toEqual({ isError: true, content: [{ type: 'text', text: 'The tool failed. Tell whoever runs it.' }] })
  expect(faults).toEqual([['check_balance', fault]])
})

it('what a tool does not take never reaches the door', async () => {
  const door = doorAnswering({})
  const client = await connected(door)
  const answer = await client.callTool({ name: 'request_topup', arguments: { amount: '-5', justification: 'x' } })
  expect([answer.isError, door.asked]).toEqual([true, []])
})
