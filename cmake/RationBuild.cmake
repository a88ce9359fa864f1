# SPDX-License-Identifier: BSD-2-Clause
# What every file is compiled with, and how tests and other programs of this tree are made.

# ration_build: flags of everything in this tree, never passed on to those who link libration.
add_library(ration_build INTERFACE)
target_compile_options(ration_build INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -fno-common)
# Empty on purpose: then a file's own `#define _GNU_SOURCE` is the same definition. A unity build needs it before any header.
target_compile_definitions(ration_build INTERFACE _GNU_SOURCE= ${RATION_DEFINITIONS})
if(RATION_WERROR)
    target_compile_options(ration_build INTERFACE -Werror)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    target_compile_options(ration_build INTERFACE -mcx16) # every x86-64 CPU since 2006
endif()
if(RATION_SANITIZE)
    target_compile_options(ration_build INTERFACE -fsanitize=${RATION_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(ration_build INTERFACE -fsanitize=${RATION_SANITIZE})
    if(RATION_SANITIZE MATCHES undefined)
        target_compile_options(ration_build INTERFACE -fno-sanitize-recover=undefined)
    endif()
endif()

# Concurrency Kit and xxHash are used as headers only; nobody who links libration needs them.
find_path(CK_INCLUDE_DIR ck_pr.h)
find_path(XXHASH_INCLUDE_DIR xxhash.h)
if(NOT CK_INCLUDE_DIR OR NOT XXHASH_INCLUDE_DIR)
    message(FATAL_ERROR "libration is built with the headers of Concurrency Kit and xxHash (Debian: libck-dev libxxhash-dev)")
endif()
target_include_directories(ration_build SYSTEM INTERFACE ${CK_INCLUDE_DIR} ${XXHASH_INCLUDE_DIR})

find_package(Threads REQUIRED)

# ration_program(NAME SOURCE [LIBRARIES...]): a program of this tree, linked with the static library, so that it can reach
# internal functions too: visibility is hidden, which matters to the dynamic linker only.
function(ration_program name source)
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    target_link_libraries(${name} PRIVATE ration_build ${ARGN} ration_static Threads::Threads)
endfunction()
