/** capacity.json, read back. */
import { readDocument } from '../read-document.ts';
import { type CapacityStudy, capacityStudySchema } from './result.ts';

export const CAPACITY_FILE = 'capacity.json';

/** As readDocument. */
export function readCapacity(path: string, what: string): CapacityStudy {
  return readDocument(path, what, {
    schema: capacityStudySchema,
    fileName: CAPACITY_FILE,
    kind: 'capacity study',
    mend: 'name the folder that ./tracebench capacity --surface has written',
  });
}
