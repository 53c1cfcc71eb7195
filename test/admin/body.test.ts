import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describedBody, parseWith, readBody } from '../../src/admin/body.ts'
import { PurserError } from '../../src/errors.ts'

const Schema = z.strictObject({ cap: z.string().transform((text) => text.length), label: z.string().exactOptional() })

async function read(body: string, type = 'application/json'): Promise<unknown> {
  let result: unknown
  const app = new Hono().post('/', async (context) => {
    result = await readBody(context.req, Schema).catch((fault: unknown) => fault)
    return context.body(null)
  })
  await app.request('/', { method: 'POST', body, headers: { 'content-type': type } })
  return result
}

describe('body', () => {
  it('reads JSON of this schema', async () => {
    expect(await read('{"cap":"abc"}')).toEqual({ cap: 3 })
    expect(await read('{"cap":"abc"}', 'application/json; charset=utf-8')).toEqual({ cap: 3 })
  })

  it.each(['text/plain', 'application/jsonp', 'application/json5', 'multipart/form-data'])('refuses %s', async (type) => {
    expect(await read('{"cap":"abc"}', type)).toMatchObject({ refusal: { code: 'request_invalid', status: 415 } })
  })

  it('only a typed refusal comes out of whatever is sent', async () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((text) => text.slice(1)),
    )
    await fc.assert(
      fc.asyncProperty(anything, async (body) => {
        const result = await read(body)
        if (result instanceof Error) expect(result).toBeInstanceOf(PurserError)
        else expect(result).toEqual({ cap: expect.any(Number) })
      }),
    )
  })

  it('a prototype cannot be sent', () => {
    const sent: unknown = JSON.parse('{"cap":"1","__proto__":{"label":"x"}}')
    expect(() => parseWith(Schema, sent)).toThrow('__proto__')
  })

  it('describes what is sent, not what is read, and what may be left out', () => {
    expect(describedBody(Schema)).toMatchObject({
      required: true,
      content: {
        'application/json': { schema: { properties: { cap: { type: 'string' } }, required: ['cap'], additionalProperties: false } },
      },
    })
  })
})
