# SPDX-License-Identifier: BSD-2-Clause
# Cross-builds for aarch64 on Debian (gcc-aarch64-linux-gnu, qemu-user). Check and Concurrency Kit for arm64 are unpacked, not
# installed, by `tests/run arm64` into build/arm64-packages: libck-dev of two architectures cannot be installed side by side,
# and ck's headers are not the same (ck_md.h of amd64 turns every fence into nothing). Programs are static: a dynamic one may find the loader of the cross packages and the C library
# of an arm64 system that is installed too, of another version, and hangs in pthread_create.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)

get_filename_component(packages ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-packages ABSOLUTE)
set(CK_INCLUDE_DIR ${packages}/usr/include CACHE PATH "Headers of Concurrency Kit for aarch64")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${packages})
set(ENV{PKG_CONFIG_LIBDIR} ${packages}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(CMAKE_FIND_ROOT_PATH ${packages})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
