# SPDX-License-Identifier: BSD-2-Clause
# What every file is compiled with, and how tests and other programs of this tree are made.

# ration_build: flags of everything in this tree, never passed on to those who link libration.
add_library(ration_build INTERFACE)
target_compile_options(ration_build INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -fno-common)
# Empty on purpose: then a file's own `#define _GNU_SOURCE` is the same definition. A unity build needs it before any header.
target_compile_definitions(ration_build INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=> ${RATION_DEFINITIONS})
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

if(RATION_FUZZ)
    target_compile_options(ration_build INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Concurrency Kit and xxHash are used as headers only; nobody who links libration needs them.
find_path(CK_INCLUDE_DIR ck_pr.h)
find_path(XXHASH_INCLUDE_DIR xxhash.h)
if(NOT CK_INCLUDE_DIR OR NOT XXHASH_INCLUDE_DIR)
    message(FATAL_ERROR "libration is built with the headers of Concurrency Kit and xxHash (Debian: libck-dev libxxhash-dev)")
endif()
target_include_directories(ration_build SYSTEM INTERFACE ${CK_INCLUDE_DIR} ${XXHASH_INCLUDE_DIR})

# ck's headers are generated for one architecture: those of x86-64 would leave an aarch64 library without its fences.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${CK_INCLUDE_DIR})
check_c_source_compiles("
    #include <ck_pr.h>
    #if defined(CK_MD_TSO) && !defined(__x86_64__) || !defined(CK_F_PR_CAS_64_2)
    #error these headers are for another architecture, or have no 16-byte swap
    #endif
    int main(void) { return 0; }" RATION_CK_FITS)
unset(CMAKE_REQUIRED_INCLUDES)
if(NOT RATION_CK_FITS)
    message(FATAL_ERROR "the headers of Concurrency Kit in ${CK_INCLUDE_DIR} are not for ${CMAKE_SYSTEM_PROCESSOR}")
endif()

find_package(Threads REQUIRED)

# ration_program(NAME SOURCE [LIBRARIES...]): a program of this tree, linked with the static library, so that it can reach
# internal functions too: visibility is hidden, which matters to the dynamic linker only.
function(ration_program name source)
    add_executable(${name} ${source})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    target_link_libraries(${name} PRIVATE ration_build ${ARGN} ration_static Threads::Threads)
endfunction()
