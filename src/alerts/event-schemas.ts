/** The published JSON Schemas of events, made from the schemas that tests hold real deliveries against. */
import * as z from 'zod'
import { alertEventSchema } from './alert-event.ts'
import { bookEventSchema } from './book-event.ts'

/** JSON Schema (2020-12) by name; `config/events/` has each as a file. */
export function eventJsonSchemas(): Readonly<Record<'alert' | 'book', Record<string, unknown>>> {
  return {
    alert: { ...z.toJSONSchema(alertEventSchema), title: 'Alert of Purser' },
    book: { ...z.toJSONSchema(bookEventSchema), title: 'Bookkeeping event of Purser' },
  }
}
