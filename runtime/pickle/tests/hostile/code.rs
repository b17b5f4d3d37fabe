//! Names of what runs code, in every spelling that scanners have missed.

use super::Attack;
use super::assembly::{array_state, empty_array, global, int, pickle, stack_global, text};

/// Callables that scanners did not have in their lists of what is dangerous, and those that they had.
const CALLABLES: &[(&str, &str)] = &[
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("__builtin__", "apply"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("builtins", "compile"),
    ("builtins", "open"),
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("functools", "partial"),
    ("importlib", "import_module"),
    ("runpy", "_run_code"),
    ("pip", "main"),
    ("pty", "spawn"),
    ("bdb", "Bdb"),
    ("asyncio.unix_events", "_UnixSubprocessTransport"),
    ("timeit", "timeit"),
    ("pickle", "loads"),
    ("_pickle", "loads"),
    ("dill", "loads"),
    ("joblib", "load"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy.f2py.crackfortran", "getlincoef"),
    ("numpy", "load"),
    ("numpy.core.multiarray", "fromfile"),
    ("sklearn.utils.fixes", "threadpool_limits"),
    ("sklearn.externals.joblib.numpy_pickle", "load"),
    ("torch", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("ctypes", "CDLL"),
    ("webbrowser", "open"),
    ("socket", "create_connection"),
    ("urllib.request", "urlopen"),
    ("code", "InteractiveInterpreter"),
    ("types", "CodeType"),
    ("types", "FunctionType"),
    ("copyreg", "add_extension"),
    ("ensurepip", "_run_pip"),
    ("lib2to3.pgen2.grammar", "Grammar"),
    ("idlelib.pyshell", "ModifiedInterpreter"),
    ("doctest", "debug_script"),
    ("trace", "Trace"),
    ("profile", "run"),
    ("cProfile", "run"),
    ("linecache", "getline"),
    ("pydoc", "pipepager"),
    ("shutil", "rmtree"),
];

fn call(module: &str, name: &str) -> Vec<u8> {
    pickle(4, &[&stack_global(module, name), &text("id"), b"\x85R"])
}

pub(crate) fn attacks() -> Vec<Attack> {
    let listed = CALLABLES.iter().map(|(module, name)| Attack("call", call(module, name), "is not in the list"));
    let is_not = "is not in the list";
    let command = text("id");
    let others = [
        Attack("global", pickle(0, &[&global("os", "system"), b"(Vid\ntR"]), is_not),
        Attack("never-called", pickle(2, &[&global("os", "system")]), is_not),
        Attack("dotted-name", pickle(4, &[&stack_global("builtins", "eval.__call__"), &command, b"\x85R"]), is_not),
        Attack(
            "dotted-into-listed",
            pickle(4, &[&stack_global("numpy", "ndarray.tofile"), &command, b"\x85R"]),
            is_not,
        ),
        Attack("module-of-a-listed-one", pickle(4, &[&stack_global("sklearn.svm", "os"), b")\x81"]), is_not),
        Attack("name-with-a-zero", pickle(4, &[&stack_global("numpy", "dtype\0"), &command, b"\x85R"]), is_not),
        Attack("name-with-a-return", pickle(2, &[b"cnumpy\r\ndtype\r\n", &command, b"\x85R"]), is_not),
        Attack("name-with-a-space", pickle(2, &[b"c numpy\ndtype\n", &command, b"\x85R"]), is_not),
        Attack("name-in-wide-letters", pickle(4, &[&stack_global("\u{ff4f}s", "system"), &command, b"\x85R"]), is_not),
        Attack("empty-names", pickle(4, &[&stack_global("", ""), &command, b"\x85R"]), is_not),
        // modelscan 330: a state makes a listed function another one.
        Attack(
            "state-of-a-function",
            pickle(4, &[&stack_global("numpy", "log1p"), b"}", &text("__call__"), &command, b"sb"]),
            "BUILD takes an object",
        ),
        Attack(
            "state-of-a-class",
            pickle(4, &[&stack_global("sklearn.svm._classes", "SVC"), b"}", &text("__setstate__"), &command, b"sb"]),
            "BUILD takes an object",
        ),
        Attack(
            "two-states",
            pickle(4, &[&stack_global("sklearn.svm._classes", "SVC"), b")\x81}b}b"]),
            "BUILD takes an object",
        ),
        Attack("call-of-a-value", pickle(4, &[&text("os.system"), &command, b"\x85R"]), "REDUCE takes a listed global"),
        Attack(
            "call-of-an-object",
            pickle(4, &[&stack_global("sklearn.svm._classes", "SVC"), b")\x81", &command, b"\x85R"]),
            "REDUCE takes a listed global",
        ),
        Attack(
            "new-of-a-function",
            pickle(4, &[&stack_global("numpy.core.multiarray", "scalar"), b")\x81"]),
            "is not called",
        ),
        Attack("call-of-a-value-function", pickle(4, &[&stack_global("numpy", "log1p"), b")R"]), "is not called"),
        Attack("call-of-ndarray", pickle(4, &[&stack_global("numpy", "ndarray"), &int(8), b"\x85R"]), "is not called"),
        Attack(
            "arguments-that-are-none",
            pickle(4, &[&stack_global("sklearn.svm._classes", "SVC"), b"NR"]),
            "a tuple of arguments",
        ),
        Attack(
            "reconstructor-of-code",
            pickle(
                2,
                &[
                    &global("copyreg", "_reconstructor"),
                    &global("numpy", "dtype"),
                    &global("__builtin__", "object"),
                    b"N\x87R",
                ],
            ),
            "a listed class",
        ),
        Attack(
            "reconstructor-of-a-base",
            pickle(
                2,
                &[
                    &global("copyreg", "_reconstructor"),
                    &global("sklearn.svm._classes", "SVC"),
                    &global("sklearn.svm._classes", "SVC"),
                    b"N\x87R",
                ],
            ),
            "`object` and None",
        ),
        Attack(
            "codec-that-runs",
            pickle(2, &[&global("_codecs", "encode"), &text("id"), &text("rot13"), b"\x86R"]),
            "`latin1`",
        ),
        Attack("inst", pickle(0, &[b"(Vid\nios\nsystem\n"]), "INST is refused"),
        Attack("inst-of-a-listed", pickle(0, &[b"(isklearn.svm._classes\nSVC\n"]), "INST is refused"),
        Attack("obj", pickle(1, &[b"(", &global("sklearn.svm._classes", "SVC"), b"o"]), "OBJ is refused"),
        Attack(
            "new-with-names",
            pickle(4, &[&stack_global("sklearn.svm._classes", "SVC"), b")}\x92"]),
            "NEWOBJ_EX is refused",
        ),
        Attack("extension", pickle(2, &[b"\x82\x01)R"]), "EXT1 is refused"),
        Attack("extension-2", pickle(2, &[b"\x83\x01\x00)R"]), "EXT2 is refused"),
        Attack("extension-4", pickle(2, &[b"\x84\x01\x00\x00\x00)R"]), "EXT4 is refused"),
        Attack("persistent", pickle(0, &[b"Phttp://127.0.0.1/\n"]), "PERSID is refused"),
        Attack("persistent-binary", pickle(2, &[&text("http://127.0.0.1/"), b"Q"]), "BINPERSID is refused"),
        Attack("buffer-from-outside", pickle(5, &[b"\x97"]), "NEXT_BUFFER is refused"),
        Attack("read-only-buffer", pickle(5, &[&text("a"), b"\x98"]), "READONLY_BUFFER is refused"),
        Attack("text-of-python-2", pickle(0, &[b"S'os'\n"]), "STRING is refused"),
        Attack(
            "object-in-an-array",
            pickle(
                4,
                &[
                    &empty_array(),
                    &array_state(
                        &[1],
                        &super::assembly::dtype("O8"),
                        &[b"]", &stack_global("os", "system")[..], b"a"].concat(),
                    ),
                ],
            ),
            is_not,
        ),
    ];
    listed.chain(others).collect()
}
