/** The published JSON Schema of the configuration, made from the schema that reads it. */
import { z } from 'zod'
import { section } from '../session/values.ts'
import { filePath } from './places.ts'
import { configShape } from './schema.ts'

/** JSON Schema (2020-12) of what may be written into `purser.yaml`; `config/purser.schema.json` is this as a file. */
export function configJsonSchema(): Record<string, unknown> {
  const { tiers, ...shape } = configShape('.')
  const whole = section({ ...shape, tiers: z.union([tiers, section({ file: filePath('.') })]).exactOptional() })
  const schema = z.toJSONSchema(whole, { io: 'input' })
  return { ...schema, title: 'Configuration of Purser' }
}
