{
  'variables': {
    # Kept in one place: what every object of the addon and its plug-ins is compiled with.
    'warnings': ['-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers'],
    'vendor_libbpf%': '<!(test -f vendor/lib/libbpf.a && test -e /usr/include/gelf.h && echo 1 || echo 0)',
    'have_traceevent%': '<!(test -e /usr/include/traceevent/event-parse.h && echo 1 || echo 0)',
    'core_sources': [
      '<!@(ls src/addon/*.cc)',
      'src/audit_owner.c',
      'src/call_pairing.cc',
      'src/cgroup_file.c',
      'src/cpu_quota.cc',
      'src/error.c',
      'src/ledger.cc',
      'src/machine_use.cc',
      'src/path_arguments.c',
      'src/path_reader.c',
      'src/paths.c',
      'src/process.cc',
      'src/session.cc',
      'src/slab_pool.cc',
      'src/sources.cc',
      'src/start_time.c',
    ],
  },
  'target_defaults': {
    'cflags': ['<@(warnings)', '-fvisibility=hidden'],
    'cflags_c': ['-std=gnu11'],
    'cflags_cc': ['-std=gnu++20'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++14'],
    'include_dirs': ['include', 'vendor/include'],
    'defines': ['_GNU_SOURCE', 'NAPI_VERSION=9'],
    'ldflags': ['-Wl,--exclude-libs,ALL'],
  },
  'targets': [
    {
      # Once for both addons: an object file's place follows from its source's alone where that lies outside of this folder, so
      # two targets that list it would write the same file at the same time.
      'target_name': 'builtin_backends',
      'type': 'static_library',
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti'],
      'sources': [
        # Every C and C++ file of the backends that src/sources.def calls built in; the dot stands for its parenthesis.
        '<!@(sed -n "s|^TB_BUILTIN.\\([a-z0-9-]*\\),.*|../backends/\\1|p" src/sources.def | xargs -I% find % -maxdepth 1 -name "*.c" -o -name "*.cc" | sort)',
      ],
    },
    {
      'target_name': 'tracebench',
      'sources': ['<@(core_sources)'],
      'dependencies': ['builtin_backends', '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api_except_all'],
      'libraries': ['<(module_root_dir)/vendor/lib/libhdr_histogram.a', '-lz', '-lm', '-ldl', '-lrt'],
    },
    {
      # The same with the hooks by which the tests break it (session.h, TB_TEST_HOOKS). Never measured.
      'target_name': 'tracebench_test',
      'sources': ['<@(core_sources)'],
      'defines': ['TB_TEST_HOOKS'],
      'dependencies': ['builtin_backends', '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api_except_all'],
      'libraries': ['<(module_root_dir)/vendor/lib/libhdr_histogram.a', '-lz', '-lm', '-ldl', '-lrt'],
    },
  ],
  'conditions': [
    ['vendor_libbpf==1', {
      'targets': [
        {
          'target_name': 'ebpf_source',
          'type': 'loadable_module',
          # Not a Node addon, in spite of the ending that node-gyp gives every loadable module.
          'sources': ['src/error.c', 'src/path_arguments.c', 'src/paths.c', 'src/start_time.c', 'src/tracefs_root.c', '<!@(ls ../backends/ebpf/*.cc)'],
          'libraries': ['<(module_root_dir)/vendor/lib/libbpf.a', '-lelf', '-lz'],
        },
      ],
    }],
    ['have_traceevent==1', {
      'targets': [
        {
          'target_name': 'ftrace_source',
          'type': 'loadable_module',
          'sources': ['src/error.c', 'src/call_pairing.cc', 'src/start_time.c', 'src/tracefs_root.c', '<!@(ls ../backends/ftrace/*.cc)'],
          'cflags_cc!': ['-fno-exceptions', '-fno-rtti'],
          'libraries': ['-ltraceevent'],
        },
      ],
    }],
  ],
}
