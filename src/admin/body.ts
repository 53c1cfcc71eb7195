/** Reads a JSON body by a schema. For schemas of other rooms, whose richer shapes the router's own validator cannot describe. */
import type { HonoRequest } from 'hono'
import { z } from 'zod'
import { PurserError, refused } from '../errors.ts'
import { issueSentence } from './answers.ts'

/** @throws PurserError `request_invalid`: 415 for what is not sent as JSON, 400 for what is none or does not fit. */
export async function readBody<T extends z.ZodType>(request: HonoRequest, schema: T): Promise<z.output<T>> {
  if (!/^application\/json\s*(;|$)/i.test(request.header('content-type') ?? '')) {
    throw new PurserError({ code: 'request_invalid', detail: 'Send the body as JSON, with Content-Type: application/json.', status: 415 })
  }
  return parseWith(schema, parseJson(await request.text()))
}

/** As `readBody`, where no body at all means an empty one. */
export async function readOptionalBody<T extends z.ZodType>(request: HonoRequest, schema: T): Promise<z.output<T>> {
  return (await request.text()) === '' ? parseWith(schema, {}) : readBody(request, schema)
}

/** @throws PurserError `request_invalid` with every path that does not fit. */
export function parseWith<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw refused('request_invalid', issueSentence(parsed.error), parsed.error)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused('request_invalid', 'The body is not valid JSON.', cause)
  }
}

/** The schema of what is sent, as OpenAPI 3.1 knows it. */
export function describedBody(schema: z.ZodType) {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const media: object = described
  return { required: true, content: { 'application/json': { schema: media } } }
}
