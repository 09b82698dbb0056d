/** profile.json, read back. */
import { readDocument } from '../read-document.ts';
import { type Profile, profileSchema } from './result.ts';

export const PROFILE_FILE = 'profile.json';

/** As readDocument. */
export function readProfile(path: string, what: string): Profile {
  return readDocument(path, what, {
    schema: profileSchema,
    fileName: PROFILE_FILE,
    kind: 'profile',
    mend: 'name what ./tracebench profile has written',
  });
}
