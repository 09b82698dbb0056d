// Says how to get a newer Node instead of failing on its syntax. Written so that a Node of 2020 can parse it: old
// syntax, no imports; the scripts import everything else dynamically, after this.
var have = process.versions.node.split('.').map(Number);
var major = have[0];
var minor = have[1];
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    'tracebench: Node ' +
      process.versions.node +
      ' is too old\n' +
      '  why:  this is ' +
      process.execPath +
      '; 20.19 or newer is needed (Debian 12 ships 18)\n' +
      '  mend: install Node 20 or newer, for example:\n' +
      '          - with a version manager: nvm install 20   (or: fnm install 20, n 20)\n' +
      '          - or the archive of the Node.js project: unpack node-v20.*-linux-*.tar.xz and put its bin/ first on the PATH\n' +
      '          - or a newer Debian: trixie ships Node 20\n' +
      '        then run the command again\n',
  );
  process.exit(3);
}
