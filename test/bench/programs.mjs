/**
 * Real programs on real data: text is folio's own sources and documents, binary data are its fixtures, so that they are the
 * same on every machine that has the same commit.
 */
import { accessSync, constants, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const DIRECTORIES = ["/usr/bin", "/bin"];
const MIB = 1024 * 1024;

const AWK = `{ words += NF; for (i = 1; i <= NF; i++) count[$i]++ }
END { for (word in count) if (count[word] > most) most = count[word]; print NR, words, most }`;

const PYTHON = `import json, re, sys
text = open(sys.argv[1], encoding="latin1").read()[:int(sys.argv[2])]
words = re.findall(r"[A-Za-z_]+", text)
count = {}
for word in words:
    count[word] = count.get(word, 0) + 1
first = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:50]
total = 0
for i in range(len(text)):
    total = (total * 31 + i) & 0xffffffff
print(len(words), len(count), total, len(json.dumps(first)))
`;

function sql(rows) {
  return `create table item(id integer primary key, word text, size real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
  insert into item select i, printf('%x', (i * 2654435761) % 65521), i % 1000 / 7.0 from n;
create index by_word on item(word);
select count(*), sum(a.size), max(a.word) from item a join item b on b.word = a.word and b.id < 2000;
select word, count(*) n, avg(size) from item group by word order by n desc, word limit 20;
`;
}

/**
 * Each program: the amount of work (native about a second), how it is written down in files, and the arguments. With an
 * amount of 0 it starts and ends: that is its start-up.
 * @typedef {{name: string, command: string, amount: number, args: (data: Data, amount: number) => string[]}} Program
 */
const PROGRAMS = [
  { name: "bzip2", amount: 12 * MIB, args: (data, amount) => ["-c", data.text(amount)] },
  { name: "gzip", amount: 24 * MIB, args: (data, amount) => ["-nc", data.text(amount)] },
  { name: "sha256sum", amount: 200 * MIB, args: (data, amount) => [data.binary(amount)] },
  {
    name: "python3",
    amount: 3 * MIB,
    args: (data, amount) => [data.file("count.py", PYTHON), data.text(amount), String(amount)],
  },
  {
    name: "sqlite3",
    amount: 300_000,
    args: (_data, amount) => ["-batch", "-init", "/dev/null", ":memory:", amount === 0 ? "" : sql(amount)],
  },
  { name: "mawk", amount: 32 * MIB, args: (data, amount) => [AWK, data.text(amount)] },
  { name: "gawk", amount: 16 * MIB, args: (data, amount) => [AWK, data.text(amount)] },
].map((program) => ({ command: program.name, group: "program", abis: ["amd64"], ...program }));

/** Where the program is installed, or undefined. */
function find(command) {
  return DIRECTORIES.map((directory) => join(directory, command)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function allPrograms() {
  return PROGRAMS.map((program) => ({ ...program, path: find(program.command) }));
}

/** All regular files below the folders with one of the endings, in the order of their names. */
function filesBelow(folders, endings) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && (endings.length === 0 || endings.some((end) => entry.name.endsWith(end))))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .sort(),
  );
}

/** Makes the files that the programs read, in `dir`, each once. */
export class Data {
  #dir;
  #made = new Map();
  #sources = new Map();

  constructor(dir) {
    this.#dir = dir;
  }

  file(name, contents) {
    if (!this.#made.has(name)) {
      const path = join(this.#dir, name);
      writeFileSync(path, contents);
      this.#made.set(name, path);
    }
    return this.#made.get(name);
  }

  text(size) {
    return this.#repeated(`text-${size}`, size, ["src", "syscalls", "test", "docs"], [".ts", ".md", ".mjs"]);
  }

  binary(size) {
    return this.#repeated(`binary-${size}`, size, ["fixtures/programs"], []);
  }

  /** So many bytes of these files, from the start again where they do not suffice. */
  #repeated(name, size, folders, endings) {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const key = folders.join();
    if (!this.#sources.has(key))
      this.#sources.set(key, Buffer.concat(filesBelow(folders, endings).map((f) => readFileSync(f))));
    const source = this.#sources.get(key);
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; at += source.length) source.copy(bytes, at);
    return this.file(name, bytes);
  }
}
